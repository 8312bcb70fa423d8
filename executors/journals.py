"""`logs <app> [instance]`: what instances printed last, as their machines' journals have it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from executors.asked_instances import Asked, asked_instances, units_by_node
from executors.look_fence import look_fence
from executors.remote import Remote
from executors.templates import render
from gitops.registry import Registry
from model.errors import StepFailed
from model.mrkdwn import code_block, inert
from model.verbs import BUILD

LOOK_SECONDS = 20.0
LINES = 50  # of one instance; of several they are shared out
FEWEST_LINES = 10
LINE_CHARACTERS = 400
BLOCK_CHARACTERS = 3500


@dataclass(frozen=True)
class Line:
    """A line of a journal; `at` in Unix seconds."""

    at: float
    text: str

    def __str__(self) -> str:
        return f"{datetime.fromtimestamp(self.at, UTC):%H:%M:%S} {self.text}"


def journals_script(units: Sequence[str], lines: int) -> str:
    """The script that prints the newest lines of these units, for `parse_journals`."""
    return render("app/journals.sh.j2", units=units, lines=lines)


def parse_journals(printed: str) -> Mapping[str, list[Line]]:
    """Lines by unit, oldest first."""
    found: dict[str, list[Line]] = {}
    # Within a message, JSON leaves characters as they are that end a line elsewhere.
    for line in filter(None, printed.split("\n")):
        unit, _, entry = line.partition(" ")
        fields = json.loads(entry)
        at = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
        found.setdefault(unit, []).extend(Line(at, text) for text in _texts(fields.get("MESSAGE")))
    return found


def told(instances: Sequence[Asked], journals: Mapping[str, Sequence[Line]], silent: Mapping[str, str]) -> str:
    """The answer as Slack mrkdwn: a block an instance."""
    parts = []
    for one in instances:
        lines = journals.get(one.unit, ())
        if one.node in silent:
            parts.append(f"{one}: :warning: {inert(silent[one.node])}")
        elif not lines:
            parts.append(f"{one} has printed nothing yet")
        else:
            until = f"{datetime.fromtimestamp(lines[-1].at, UTC):%Y-%m-%d}"
            block = code_block("\n".join(map(str, lines)), BLOCK_CHARACTERS)
            parts.append(f"{one}, until {until}, in UTC:\n{block}")
    return "\n".join(parts)


class Journals:
    """A `HostCheck`."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def __call__(self, arguments: tuple[str, ...], registry: Registry) -> str:
        """The newest lines of an app's instances. Raises `Refused` for what is not known."""
        instances = asked_instances(arguments, registry.read())
        if not instances:
            return f"{arguments[0]} has no instance; `logs {arguments[0]} {BUILD}` shows what its build printed."
        lines = max(FEWEST_LINES, min(LINES, 3 * LINES // len(instances)))
        scripts = {node: journals_script(units, lines) for node, units in units_by_node(instances).items()}
        journals: dict[str, list[Line]] = {}
        silent: dict[str, str] = {}
        for node, answer in self._remote.run_all(scripts, look_fence(registry), LOOK_SECONDS).items():
            if isinstance(answer, StepFailed):
                silent[node] = answer.sentence
            else:
                journals |= parse_journals(answer)
        return told(instances, journals, silent)


def _texts(message: object) -> list[str]:
    """journald gives bytes that are no text as numbers, and null for what is very long."""
    if isinstance(message, list):
        message = bytes(message).decode(errors="replace")
    if message is None:
        message = "(a very long line)"
    return [_readable(line) for line in str(message).splitlines()]


def _readable(line: str) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in line)
    return text if len(text) <= LINE_CHARACTERS else f"{text[:LINE_CHARACTERS]}…"
