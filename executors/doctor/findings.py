"""What the doctor says: one line a finding."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from executors.findings import FINE, MARKS, Level
from model.mrkdwn import escape, inert
from model.names import NodeName

MENDED = ":white_check_mark:"
LONGEST = 600


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be on `node`, and what to do.

    Both `text` and `mend` may hold what machines said; in `mend`, what to type stands between backticks.
    `mends` names the machines whose networks flstr may bring to what is registered; it is empty where a person has to
    act.
    `tend` names what has to begin anew there even where its files are right: `restart-tinc@<mesh>`, `firewalld`.
    `fault` names what is wrong where the text of the next look may say the same in other words: with another figure,
    another list, or from the other end.
    """

    level: Level
    node: NodeName
    text: str
    mend: str
    about: NodeName = ""
    mesh: str = ""
    mends: frozenset[NodeName] = frozenset()
    tend: tuple[str, ...] = ()
    fault: str = ""

    @property
    def identity(self) -> tuple[frozenset[NodeName], str, str]:
        """What is the same at the next look, if it is there still."""
        return frozenset({self.node, self.about}), self.mesh, self.fault or self.text

    def concerns(self, node: NodeName | None) -> bool:
        """Whether a machine is one of its ends; None stands for all."""
        return node is None or node in (self.node, self.about)


def report(found: Sequence[Finding], machines: Collection[NodeName], tunnels: int) -> str:
    """The findings as Slack mrkdwn, worst first; all well is one line."""
    if not found:
        return f"{FINE} {count(len(machines), 'machine')}, {count(tunnels, 'tunnel')}: all well"
    return "\n".join(f"{MARKS[one.level]} {_told(one)}: {_line(_advice(one.mend))}" for one in in_order(found))


def mended_report(
    before: Sequence[Finding], after: Sequence[Finding], machines: Collection[NodeName], tunnels: int
) -> str:
    """What is mended, then what is left."""
    lines = [f"{MENDED} mended: {_told(one)}" for one in in_order(_mended(before, after))]
    return "\n".join([*lines, report(after, machines, tunnels)])


def _mended(before: Sequence[Finding], after: Sequence[Finding]) -> list[Finding]:
    """What could be mended and is gone. Where an end has a new error, that may only explain it, and nothing is said."""
    had, left = {one.identity for one in before}, {one.identity for one in after}
    worse = {one.node for one in after if one.level == "error" and one.identity not in had}
    return [one for one in before if one.mends and one.identity not in left and worse.isdisjoint({one.node, one.about})]


def in_order(found: Sequence[Finding]) -> list[Finding]:
    """Errors before warnings, and by machine."""
    return sorted(found, key=lambda one: (one.level != "error", one.node, one.mesh, one.text))


def count(number: int, what: str) -> str:
    """`1 machine`, `2 machines`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _told(finding: Finding) -> str:
    return _line(inert(finding.text))


def _advice(mend: str) -> str:
    """What to do: between backticks stands what to type."""
    parts = enumerate(mend.split("`"))
    return "`".join(escape(part) if number % 2 else inert(part) for number, part in parts)


def _line(text: str) -> str:
    """Text that holds what machines said, in one line that is not too long."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:LONGEST]
