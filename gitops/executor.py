"""Where gitops and the executors meet: a step, what it may use, and what comes back."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gitops.registry import Registry
from model.attachment import Reply
from model.operation import StepTasks


@dataclass(frozen=True)
class HostFence:
    """The fencing tokens that a machine compares with the greatest it has seen, before it does what it is told."""

    leader: int
    locks: tuple[tuple[str, int], ...] = ()


class Cancellation:
    """Whether the end of an operation is still wanted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self.why = ""
        self.by_a_person = False
        self._then: dict[object, Callable[[], None]] = {}

    @property
    def cancelled(self) -> bool:
        """Whether it was given up."""
        return self._cancelled

    def cancel(self, why: str, *, by_a_person: bool = False) -> None:
        """Give the operation up, and end what waits."""
        with self._lock:
            self.why = why
            self.by_a_person = by_a_person
            self._cancelled = True
            waiting = list(self._then.values())
        for end in waiting:
            end()

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Have `end` called where the operation is given up inside, or was before."""
        mark = object()
        with self._lock:
            self._then[mark] = end
            already = self._cancelled
        try:
            if already:
                end()
            yield
        finally:
            with self._lock:
                self._then.pop(mark, None)


@dataclass(frozen=True)
class StepContext:
    """What a step may use. Hosts check `fence`; what takes long ends where `cancellation` says so.

    `report` shows a step's newest line; `tell` keeps one that the thread is to hear; `tasks` shows those of a playbook.
    """

    operation: str
    registry: Registry
    fence: HostFence
    report: Callable[[str], None]
    tell: Callable[[str], None] = lambda _: None
    cancellation: Cancellation = field(default_factory=Cancellation)
    tasks: Callable[[StepTasks], None] = lambda _: None


# Carries one kind of step out. Returns when the step is done; raises `StepFailed` with a sentence otherwise. May be
# called twice for the same step, also after a controller was killed in the middle of the first call.
Executor = Callable[[Any, StepContext], None]

# By the step's `kind`.
Executors = Mapping[str, Executor]

# Answers a question about the outside, such as a padlock check, from a verb's arguments; text is Slack mrkdwn.
HostCheck = Callable[[tuple[str, ...], Registry], str | Reply]

# What carrying a step out would change, a line each, as plain text; nothing is changed. Raises `Refused` or
# `StepFailed` with one sentence where that cannot be said.
StepPreview = Callable[[Any, Registry], Sequence[str]]

# By verb.
HostChecks = Mapping[str, HostCheck]
