"""What the doctor says: one line a finding."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from model.mrkdwn import escape
from model.names import NodeName

Level = Literal["error", "warning"]

MARKS: dict[Level, str] = {"error": ":red_circle:", "warning": ":large_yellow_circle:"}
FINE = ":large_green_circle:"
MENDED = ":white_check_mark:"
LONGEST = 600


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be on `node`, and what to do.

    `mends` names the machines whose mesh files flstr may write again for it; it is empty where a person has to act.
    `tend` names what has to begin anew there even where its files are right: `restart-tinc@<mesh>`, `firewalld`.
    """

    level: Level
    node: NodeName
    text: str
    mend: str
    about: NodeName = ""
    mesh: str = ""
    mends: frozenset[NodeName] = frozenset()
    tend: tuple[str, ...] = ()

    def concerns(self, node: NodeName | None) -> bool:
        """Whether a machine is one of its ends; None stands for all."""
        return node is None or node in (self.node, self.about)


def report(found: Sequence[Finding], machines: Collection[NodeName], tunnels: int) -> str:
    """The findings as Slack mrkdwn, worst first; all well is one line."""
    if not found:
        return f"{FINE} {count(len(machines), 'machine')}, {count(tunnels, 'tunnel')}: all well"
    return "\n".join(f"{MARKS[one.level]} {_plain(one.text)}: {_plain(one.mend)}" for one in in_order(found))


def mended_report(
    before: Sequence[Finding], after: Sequence[Finding], machines: Collection[NodeName], tunnels: int
) -> str:
    """What is mended, then what is left."""
    left = {one.text for one in after}
    lines = [f"{MENDED} mended: {_plain(one.text)}" for one in in_order(before) if one.text not in left]
    return "\n".join([*lines, report(after, machines, tunnels)])


def in_order(found: Sequence[Finding]) -> list[Finding]:
    """Errors before warnings, and by machine."""
    return sorted(found, key=lambda one: (one.level != "error", one.node, one.mesh, one.text))


def count(number: int, what: str) -> str:
    """`1 machine`, `2 machines`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _plain(text: str) -> str:
    """Text that holds what machines said, in one line and without a meaning to Slack."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in escape(text)).split())[:LONGEST]
