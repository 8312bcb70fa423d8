"""What a task says of how it changed a machine, as the lines that went and came. Pure."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

# Where Ansible has files of its own on this machine.
MADE_FOR_A_MOMENT = "/ansible-local-"


def diff_lines(result: Mapping[str, Any]) -> list[str]:
    """All of a task's result; of a loop, those of its turns that changed something."""
    turns = [turn for turn in result.get("results") or () if isinstance(turn, Mapping) and turn.get("changed")]
    return [line for one in turns or [result] for diff in _diffs(one) for line in _lines(diff)]


def _diffs(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    diff = result.get("diff") or []
    yield from (part for part in (diff if isinstance(diff, list) else [diff]) if isinstance(part, Mapping))


def _lines(diff: Mapping[str, Any]) -> list[str]:
    """A diff as `diff` would print it, without the lines that stay."""
    if diff.get("prepared"):
        return str(diff["prepared"]).splitlines()
    name = _file(diff)
    before, after = (_text(diff.get(side)).splitlines() for side in ("before", "after"))
    # Two lines of header are before them; what a line holds may look like one.
    compared = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    lines = [line for line in compared if not line.startswith("@@")]
    return [name, *lines] if name and lines else lines


def _file(diff: Mapping[str, Any]) -> str:
    """What it is of, as that is called on the machine.

    What a template becomes is named after a file that Ansible made for a moment, another one for each machine.
    """
    names = [str(diff.get(head) or "") for head in ("before_header", "after_header")]
    return next((name for name in names if name not in ("", "/dev/null") and MADE_FOR_A_MOMENT not in name), "")


def _text(side: object) -> str:
    if isinstance(side, Mapping):
        return "\n".join(f"{name}: {value}" for name, value in side.items())
    return str(side or "")
