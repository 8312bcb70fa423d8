"""A leader that is lost becomes an operation at once, which waits neither for Git nor for a person."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from gitops.dispatch import Dispatch
from gitops.failover import BY_ITSELF
from gitops.operations import Operations
from gitops.plan.leading import is_lead, lead_plan
from gitops.service_failover import Verdict
from model.locks import service_lock
from model.names import AppName
from model.operation import Operation

log = structlog.get_logger()

# A playbook that runs may restart the leader itself, and comes to its end where that is gone; it is given so long.
PATIENCE_SECONDS = 30.0
# What failed is tried again after so long, and then after twice as long each time.
AGAIN_SECONDS = 10.0
LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class _Tried:
    """What was last done about a service, and how long the same is not done again."""

    what: tuple[object, ...]
    at: float
    wait: float


@dataclass
class Leaders:
    """Makes the operations that verdicts ask for. Only a leader may, for its operations' store has the fence.

    `revision` is that of the cluster repo which was accepted last; `wake` has whoever starts them look.
    """

    operations: Operations
    dispatch: Dispatch
    revision: Callable[[], str]
    wake: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    _tried: dict[AppName, _Tried] = field(default_factory=dict)

    def act(self, verdict: Verdict) -> bool:
        """Have one carried out, unless somebody else is at work on the service; says whether it will be."""
        with self.dispatch.deciding:
            under_way = self.operations.under_way()
            lock = service_lock(verdict.service)
            at_work = [operation for operation in under_way if lock in operation.plan.locks]
            if at_work:
                self._hurry(verdict, at_work)
                return False
            if not self._is_due(verdict):
                return False
            self.operations.create(lead_plan(verdict), self.revision(), BY_ITSELF)
        log.warning("a service's leader changes", service=verdict.service, leader=verdict.leader, wrong=verdict.wrong)
        self.wake()
        return True

    def _hurry(self, verdict: Verdict, at_work: list[Operation]) -> None:
        """What only needs the leader gives way; what must not be left half done, or was approved, does not."""
        if verdict.instead_of is None or verdict.seconds < PATIENCE_SECONDS or any(map(_must_end, at_work)):
            return
        why = f"{verdict.instead_of}, which leads {verdict.service}, is lost; {verdict.leader} is to lead first"
        running = {operation.id for operation in self.dispatch.running}
        for operation in at_work:
            if operation.id in running:
                self.dispatch.cancel(operation, why)
            elif operation.status == "queued":
                self.operations.end(operation, "superseded", why)

    def _is_due(self, verdict: Verdict) -> bool:
        """Whether it was not done just now; noted as done where it is."""
        what, now = (verdict.leader, verdict.instead_of, verdict.wrong), self.clock()
        tried = self._tried.get(verdict.service)
        if tried is None or tried.what != what or now - tried.at >= 2 * LONGEST_SECONDS:
            self._tried[verdict.service] = _Tried(what, now, AGAIN_SECONDS)
            return True
        if now - tried.at < tried.wait:
            return False
        self._tried[verdict.service] = _Tried(what, now, min(2 * tried.wait, LONGEST_SECONDS))
        return True


def _must_end(operation: Operation) -> bool:
    kinds = {planned.step.kind for planned in operation.plan.steps}
    return operation.plan.destroys() or "service.restore" in kinds or is_lead(operation.plan)
