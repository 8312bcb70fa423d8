"""Who led while something went wrong, from etcd's history and from what the controllers logged. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

# Who has to lead next where leadership was taken from somebody: anybody with a new lease, or another controller.
Next = Literal["nobody", "anybody", "another"]


@dataclass(frozen=True)
class Logged:
    """That a controller leads from now on (`leading`), or that it began a step."""

    at: float
    node: str
    event: str
    step: str = ""


@dataclass(frozen=True)
class Leading:
    """`before` the fault a controller led. `written` is what etcd's key of the leader held since then, one after the
    other, and nothing each time that it went."""

    before: str
    next: Next
    written: Sequence[str]
    logged: Sequence[Logged]


def leading_amiss(leading: Leading) -> tuple[str, ...]:
    """All that is not as it should be with those who led."""
    return (*leads_amiss(leading), *silent(leading), *leaders_amiss(leading.before, leading.logged))


def leads_amiss(leading: Leading) -> Iterable[str]:
    """Where leadership was taken, somebody had it by the next lease; and nobody had it before the last one's ended."""
    held = ["before", *leading.written]
    yield from (
        f"{value} led before the last leader's lease had ended" for old, value in pairwise(held) if old and value
    )
    if leading.next == "nobody":
        return
    led = [value for value in leading.written if value]
    if len(led) != 1:
        # One lease ends by the fault. Had nobody used the time until the next one ends, there would be more.
        yield f"leadership was got {len(led)} times, not once"
    if leading.next == "another" and led[:1] == [leading.before]:
        yield f"{leading.before} led again, and no other controller"


def silent(leading: Leading) -> Iterable[str]:
    """What the journals have to tell and do not, without which nothing can be seen in them."""
    if not any(line.event == "step begins" for line in leading.logged):
        yield "no journal tells of a step"
    told = {line.node for line in leading.logged if line.event == "leading"}
    yield from (f"{node} led, and its journal does not say so" for node in sorted({*leading.written} - told - {""}))


def leaders_amiss(before: str, logged: Iterable[Logged]) -> Iterable[str]:
    """Steps that were begun by a controller after another one had logged that it leads."""
    leader = before
    for line in sorted(logged, key=lambda line: line.at):
        if line.event == "leading":
            leader = line.node
        elif line.node != leader:
            yield f"{line.node} began {line.step} after {leader} led"


def logged(node: str, journal: Iterable[str], since: float) -> list[Logged]:
    """What a controller's journal says of it from a moment on."""
    found = []
    for line in journal:
        if line.startswith("{"):
            told = json.loads(line)
            at = datetime.fromisoformat(told["timestamp"]).timestamp()
            if at >= since and told["event"] in ("leading", "step begins"):
                found.append(Logged(at, node, told["event"], told.get("step", "")))
    return found
