"""A look at all members of etcd at once: who answers, who is slower than others, and who is there at all."""

import queue
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc

from gitops.etcd_endpoint import Endpoint

# How long one of several members is given while others answer; where none does, all of them are given the patience.
MEMBER_SECONDS = 1.2
PATIENCE_SECONDS = 3.0

UNANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL)
# How etcd's own faults begin, such as that it knows of no leader.
FROM_ETCD = "etcdserver: "


@dataclass
class Found:
    """Members that have answered, in how many seconds; others with what they said instead; those that are silent."""

    answered: dict[Endpoint, float] = field(default_factory=dict)
    refused: dict[Endpoint, grpc.Call] = field(default_factory=dict)
    silent: list[Endpoint] = field(default_factory=list)


def look_at(members: Sequence[Endpoint]) -> Iterator[Found]:
    """What there is to see after a moment, and once more where nobody had answered until then, but somebody does later.

    Raises `ValueError` or `grpc.FutureCancelledError` where the connections are closed meanwhile.
    """
    found, began = Found(silent=[*members]), time.monotonic()
    answers = queue.SimpleQueue[tuple[Endpoint, Any]]()
    # All are asked before any answer is waited for.
    asked = [one.look(PATIENCE_SECONDS, partial(_put, answers, one)) for one in members]
    knocks = [(one, one.knock(MEMBER_SECONDS)) for one in members]
    try:
        _hear(found, answers, began, began + MEMBER_SECONDS)
        for one, knock in knocks:
            one.there = one in found.answered or _answers(knock.exception())
        yield found
        if found.silent and not found.answered:
            _hear(found, answers, began, began + PATIENCE_SECONDS, enough=1)
            # Where all are slow, none is slower than the others.
            found.silent.clear()
            yield found
    finally:
        for answer in asked:
            answer.cancel()


def _hear(
    found: Found, answers: "queue.SimpleQueue[tuple[Endpoint, Any]]", began: float, until: float, enough: int = 0
) -> None:
    while found.silent and not (enough and len(found.answered) >= enough):
        try:
            member, answer = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return
        found.silent.remove(member)
        fault = answer.exception()
        # Who may not read the key is answered all the same.
        if isinstance(fault, grpc.Call) and fault.code() in UNANSWERED:
            found.refused[member] = fault
        else:
            found.answered[member] = time.monotonic() - began


def _put(answers: "queue.SimpleQueue[tuple[Endpoint, Any]]", member: Endpoint, answer: Any) -> None:
    answers.put((member, answer))


def _answers(fault: BaseException | None) -> bool:
    return not isinstance(fault, grpc.Call) or FROM_ETCD in (fault.details() or "") or fault.code() not in UNANSWERED
