"""Operations under way, each in a thread of its own, side by side where their locks allow it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from gitops.executor import Cancellation
from gitops.locks import Locks
from gitops.operations import Operations
from gitops.plan.leading import is_lead
from gitops.runner import Guard, Runner
from gitops.store import Fence
from model.errors import Fenced
from model.locks import is_failover
from model.operation import Operation

log = structlog.get_logger()

# Which operations somebody sees to.
Which = Callable[[Operation], bool]


@dataclass
class _UnderWay:
    """One operation that runs, and how its thread ended."""

    operation: Operation
    cancellation: Cancellation = field(default_factory=Cancellation)
    thread: threading.Thread | None = None
    ended: bool = False
    error: BaseException | None = None


class Dispatch:
    """Starts operations in the order in which they were made; one waits while somebody before it holds its locks.

    The worker and the failover share it: each starts and reaps its own, and one at a time does either.
    """

    def __init__(
        self, operations: Operations, runner: Runner, locks: Locks, may_destroy: Guard, on_end: Callable[[], None]
    ) -> None:
        self._operations = operations
        self._runner = runner
        self._locks = locks
        self._may_destroy = may_destroy
        self._on_end = on_end
        self._under_way: dict[str, _UnderWay] = {}
        # Held by whoever looks at what is under way and adds to it, so that what was seen is so until that is done.
        self.deciding = threading.RLock()
        self._starting = threading.Lock()

    @property
    def running(self) -> tuple[Operation, ...]:
        """What is under way, oldest first."""
        with self.deciding:
            return tuple(one.operation for one in self._under_way.values())

    @property
    def busy(self) -> bool:
        """Whether there is any, or one that has ended and was not reaped yet."""
        return bool(self._under_way)

    def start(self, which: Which) -> bool:
        """Start those that may start, of one kind of operations; says whether there was any."""
        with self.deciding:
            # Read in here: what has ended since it was read would be started once more.
            queued = self._operations.under_way()
            taken = {name for one in self._under_way.values() if not one.ended for name in one.operation.plan.locks}
            started = False
            for operation in queued:
                free = taken.isdisjoint(operation.plan.locks)
                taken.update(operation.plan.locks)
                if free and operation.id not in self._under_way and which(operation) and self._begin(operation):
                    started = True
            return started

    def cancel(self, operation: Operation, why: str, *, by_a_person: bool = False) -> bool:
        """Give an operation up: no step of it begins any more, and those that take long end.

        Says whether it runs.
        """
        one = self._under_way.get(operation.id)
        if one is None or one.ended:
            return False
        if not one.cancellation.cancelled:
            log.info("given up", operation=operation.id, reason=why)
            one.cancellation.cancel(why, by_a_person=by_a_person)
        return True

    def reap(self, which: Which) -> bool:
        """Forget what has ended, of one kind of operations; says whether there was any.

        Raises what a thread ended with: `Fenced`, or a fault.
        """
        with self.deciding:
            ended = [one for one in self._under_way.values() if one.ended and which(one.operation)]
            for one in ended:
                self._operations.forget_given_up(one.operation)
                del self._under_way[one.operation.id]
        errors = [one.error for one in ended if one.error is not None]
        # Whoever was overtaken does nothing more, whatever else went wrong.
        for error in sorted(errors, key=lambda error: not isinstance(error, Fenced)):
            raise error
        return bool(ended)

    def wait(self, timeout: float) -> None:
        """Wait until an operation ends, if one runs."""
        for one in list(self._under_way.values()):
            if one.thread is not None:
                one.thread.join(timeout)
                return

    @contextmanager
    def at_rest(self) -> Iterator[bool]:
        """Let none start inside, if none runs now; False where one does."""
        if not self._starting.acquire(blocking=False):
            yield False
            return
        try:
            yield not self._under_way
        finally:
            self._starting.release()
            self._on_end()

    def _begin(self, operation: Operation) -> bool:
        if is_failover(operation.plan.locks) or is_lead(operation.plan):
            # What is done at rest touches no floating IP and no service, and may take its time.
            self._launch(operation)
            return True
        if not self._starting.acquire(blocking=False):
            return False
        try:
            self._launch(operation)
        finally:
            self._starting.release()
        return True

    def _launch(self, operation: Operation) -> None:
        one = _UnderWay(operation)
        if why := self._operations.why_cancelled(operation):
            # Somebody said so to a controller that was killed before it had come to an end.
            one.cancellation.cancel(why, by_a_person=True)
        fences = self._locks.take(operation.plan.locks, operation.id)
        one.thread = threading.Thread(
            target=self._carry_out, args=(one, fences), name=f"operation {operation.id}", daemon=True
        )
        self._under_way[operation.id] = one
        one.thread.start()

    def _carry_out(self, one: _UnderWay, fences: tuple[Fence, ...]) -> None:
        try:
            self._runner.run(one.operation, self._may_destroy, fences, one.cancellation)
            self._locks.give_back(fences)
        except BaseException as error:  # raised again by whoever reaps; etcd's silence means to go on later
            one.error = error
        finally:
            one.ended = True
            self._on_end()
