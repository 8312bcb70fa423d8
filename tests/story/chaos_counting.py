"""What was lost or done twice while something went wrong, counted from what was seen from outside. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lab.cloud.request_log import LoggedRequest
from model.operation import Operation
from model.steps import CreateNode, DestroyNode, StartInstance
from tests.story.chaos_leading import Leading, leading_amiss
from tests.story.crash_matrix import ran_twice

# Of each machine, by the name of the fence: the greatest token that it has seen.
Tokens = Mapping[str, Mapping[str, int]]

_SERVER = re.compile(r"/servers/\d+")
_CREATED, _DELETED = 201, 200


@dataclass(frozen=True)
class Told:
    """A card of an operation, as the channel shows it at the end, with what stands under it."""

    ending: str | None
    thread: Sequence[str]


@dataclass(frozen=True)
class Seen:
    """An operation as etcd remembers it, revision by revision, with what the channel was told of it, what the cloud
    and the machines did meanwhile, and who led. The fault was `in_place` at a moment."""

    in_place: float
    versions: Sequence[Operation]
    requests: Sequence[LoggedRequest]
    started: Counter[tuple[str, str]]
    tokens_before: Tokens
    tokens_after: Tokens
    cards: Sequence[Told]
    leading: Leading


def amiss(seen: Seen) -> tuple[str, ...]:
    """Everything that is not as it would be had nothing gone wrong, in words."""
    if not seen.versions:
        return ("etcd remembers no operation",)
    operation = seen.versions[-1]
    ended = () if operation.status == "done" else (f"the operation is {operation.status}: {operation.sentence}",)
    return (
        *ended,
        *fault_amiss(operation, seen.in_place),
        *steps_amiss(seen.versions),
        *servers_amiss(operation, seen.requests),
        *units_amiss(operation, seen.started),
        *tokens_amiss(seen.tokens_before, seen.tokens_after),
        *cards_amiss(seen.cards),
        *leading_amiss(seen.leading),
    )


def fault_amiss(operation: Operation, in_place: float) -> tuple[str, ...]:
    """A fault that came too late says nothing of the change."""
    return () if progress(operation, in_place) else ("the change had ended before the fault",)


def steps_amiss(versions: Sequence[Operation]) -> tuple[str, ...]:
    """Steps that were not done exactly once: a step may begin again where its controller died, but not once done."""
    return tuple(
        f"step {step.id} was done {times} times"
        for step in versions[-1].plan.steps
        if (times := _times_done(step.id, versions)) != 1
    )


def servers_amiss(operation: Operation, requests: Iterable[LoggedRequest]) -> tuple[str, ...]:
    """Servers that were rented or given back more or less often than the plan says."""
    asked = list(requests)
    kinds = Counter(type(planned.step) for planned in operation.plan.steps)
    rented = sum((it.method, it.path, it.status) == ("POST", "/servers", _CREATED) for it in asked)
    gone = Counter(it.path for it in asked if _is_deletion(it))
    return tuple(
        f"{times} servers were {what}, not {kinds[kind]}"
        for kind, what, times in (
            (CreateNode, "rented", rented),
            (DestroyNode, "given back", gone.total()),
        )
        if times != kinds[kind]
    )


def units_amiss(operation: Operation, started: Counter[tuple[str, str]]) -> tuple[str, ...]:
    """Instances that were not started exactly once, and builds that ran more often than the plan says."""
    wanted = {
        (step.node, f"flstr-{step.app.kind}-{step.app.app}-{step.instance}.service")
        for step in (planned.step for planned in operation.plan.steps)
        if isinstance(step, StartInstance)
    }
    never = sorted(f"{unit} on {node} was never started" for node, unit in wanted if not started[node, unit])
    return (*(f"{unit} ran twice" for unit in ran_twice(started, operation)), *never)


def tokens_amiss(before: Tokens, after: Tokens) -> tuple[str, ...]:
    """Fences of machines that are still there whose token went back, or is gone."""
    return tuple(
        f"{node}: the token of {name} went from {token} to {after[node].get(name)}"
        for node, fences in sorted(before.items())
        if node in after
        for name, token in sorted(fences.items())
        if after[node].get(name, -1) < token
    )


def cards_amiss(cards: Sequence[Told]) -> tuple[str, ...]:
    """An operation has one card, which tells its end; and its thread hears each thing once."""
    number = () if len(cards) == 1 else (f"{len(cards)} cards",)
    ended = ("the card did not end done",) if any(card.ending != "done" for card in cards) else ()
    lines = Counter(line for card in cards for line in card.thread)
    return (*number, *ended, *(f"the thread heard {times} times: {line}" for line, times in lines.items() if times > 1))


def carried_on(versions: Sequence[Operation], fault: float, answered: float | None) -> float | None:
    """Seconds from a fault until whoever leads is at work on an operation again; None where it never was.

    What ran and was begun again is at work then. What ran on, such as the wait for a machine that boots, shows nothing
    until its end: there, that a command is `answered` by whoever leads says as much.
    """
    if not versions:
        return None
    moments = progress(versions[-1], fault)
    if answered is not None and answered > fault and not _begun_again(versions, fault):
        moments.append(answered)
    return min((moment - fault for moment in moments), default=None)


def progress(operation: Operation, since: float) -> list[float]:
    """The times after a moment at which a step began or ended."""
    moments = [moment for state in operation.steps.values() for moment in (state.started, state.ended)]
    return [moment for moment in moments if moment is not None and moment > since]


def _begun_again(versions: Sequence[Operation], fault: float) -> bool:
    ran = {name for one in versions for name, state in one.steps.items() if state.started and state.started <= fault}
    again = versions[-1].steps
    return any((again[name].started or 0) > fault for name in ran)


def _times_done(step: str, versions: Sequence[Operation]) -> int:
    statuses = [version.steps[step].status if step in version.steps else "waiting" for version in versions]
    return sum(now == "done" and before != "done" for before, now in pairwise(["waiting", *statuses]))


def _is_deletion(request: LoggedRequest) -> bool:
    return request.method == "DELETE" and request.status == _DELETED and _SERVER.fullmatch(request.path) is not None
