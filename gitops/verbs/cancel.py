"""The verb that gives an operation up: one that runs, is to run next, or waits for leave."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from gitops.attempts import giving_up, may_be_given_up
from gitops.dispatch import Dispatch
from gitops.operations import Operations
from gitops.store import Store
from gitops.verbs.desk import Request
from gitops.verbs.operation_ids import meant
from model import keys
from model.errors import Refused
from model.locks import MACHINES, app_lock
from model.operation import Decision, Operation, SyncState


@dataclass(frozen=True)
class Cancel:
    """Gives up what somebody asked for; what was done of it stays as it is, until somebody says what now."""

    store: Store
    operations: Operations
    dispatch: Dispatch
    state: Callable[[], SyncState]
    wake: Callable[[], None]
    clock: Callable[[], float] = time.time

    def cancel(self, request: Request) -> str:
        """`cancel <operation>`."""
        operation = self._find(request.intent.arguments[0])
        if MACHINES in operation.plan.locks and "scale" not in request.may:
            raise Refused("You may not cancel what changes machines; that needs the right scale.")
        if operation.status == "awaiting_approval":
            return self._withdraw(request, operation)
        # What is looked at here neither starts nor ends meanwhile.
        with self.dispatch.deciding:
            return self._give_up(request, operation)

    def _give_up(self, request: Request, operation: Operation) -> str:
        newest = self.operations.get(operation.id)
        if newest is None or newest.ended_already():
            raise Refused(f"'{operation.plan.title}' has just ended.")
        noted = giving_up(self.store, self.state().revision)
        also = {keys.given_up(lock): noted for lock in newest.plan.locks if may_be_given_up(lock)}
        why = f"cancelled by {request.person}; what it did stays"
        if any(one.id == newest.id for one in self.dispatch.running):
            self.operations.cancel_running(newest, why, also)
            self.dispatch.cancel(newest, why, by_a_person=True)
            return f"Given up: {newest.plan.title}. What it did stays; {_what_now(newest)}"
        self.operations.end(newest, "cancelled", why, also)
        self.wake()
        return f"Cancelled before it went on: {newest.plan.title}. {_what_now(newest).capitalize()}"

    def _withdraw(self, request: Request, operation: Operation) -> str:
        approval = self.operations.approval(operation.approval or operation.id)
        if approval is None or approval.status not in ("waiting", "approved"):
            raise Refused(f"'{operation.plan.title}' was decided just now; look at `status`.")
        decision = Decision(person=request.person, approved=False, at=self.clock())
        denied = approval.model_copy(update={"status": "denied", "decisions": (*approval.decisions, decision)})
        why = f"cancelled by {request.person}; nothing was changed"
        if not self.operations.withdraw(approval, denied, operation, why):
            raise Refused(f"'{operation.plan.title}' was decided just now; look at `status`.")
        self.wake()
        return f"Withdrawn: {operation.plan.title}. Nothing was changed; `sync` has it asked for again."

    def _find(self, wanted: str) -> Operation:
        unended = self.operations.unended()
        found = meant(wanted, [one.id for one in unended])
        if len(found) == 1:
            return next(one for one in unended if one.id == found[0])
        ended = meant(wanted, [one.id for one in self.operations.all() if one.ended_already()])
        if ended and not found:
            raise Refused(f"'{wanted}' has ended already.")
        hint = f"there are {', '.join(one.id for one in unended)}" if unended else "nothing is under way"
        raise Refused(f"'{wanted}' is no operation that runs or waits; {hint}.")


def _what_now(operation: Operation) -> str:
    """How to go back, or on. Pure."""
    apps = [lock.removeprefix(app_lock("")) for lock in operation.plan.locks if lock.startswith(app_lock(""))]
    back = f"`rollback {apps[0]}` goes back to what ran before, " if len(apps) == 1 else ""
    return f"{back}`sync` goes on."
