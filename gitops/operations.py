"""Operations in etcd: made, changed step by step, ended. The bot shows what stands here."""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from gitops.hands import Hands
from gitops.orphans import typed_names
from gitops.store import Store
from model import keys
from model.operation import Approval, Fact, Operation, OperationStatus, Origin, StepState
from model.people import Approvals
from model.steps import Plan

Clock = Callable[[], float]


class Operations:
    """The records under `flstr/operation/` and `flstr/approval/`."""

    def __init__(self, store: Store, clock: Clock = time.time) -> None:
        self._store = store
        self._clock = clock
        self._unended: dict[str, Operation] = {}
        self._read_at = 0
        self._reading = threading.Lock()

    def create(self, plan: Plan, revision: str, origin: Origin) -> Operation:
        """A plan that may go at once."""
        operation = self._new(plan, revision, origin, "queued")
        self.save(operation)
        return operation

    def create_attempt(
        self, plan: Plan, revision: str, origin: Origin, before: str | None, attempt: str
    ) -> Operation | None:
        """The same, together with the attempt that it is; None where that is not what it was `before` any more."""
        operation = self._new(plan, revision, origin, "queued")
        key = keys.attempt(plan.locks[0])
        puts = {keys.operation(operation.id): operation.to_json(), key: attempt}
        return operation if self._store.write_where(key, before, puts) else None

    def create_waiting(
        self,
        plan: Plan,
        revision: str,
        origin: Origin,
        hands: Hands,
        policy: Approvals,
        facts: tuple[Fact, ...] = (),
    ) -> Operation:
        """A plan that waits for leave, with the approval that is bound to its digest; both appear at once."""
        operation = self._new(plan, revision, origin, "awaiting_approval")
        now = self._clock()
        approval = Approval(
            id=operation.id,
            operation=operation.id,
            digest=plan.digest(),
            requesters=hands.requesters,
            authors=hands.authors,
            mergers=hands.mergers,
            strangers=hands.strangers,
            names=typed_names(plan),
            facts=facts,
            needed=policy.count,
            asked=now,
            expires=now + policy.expires,
        )
        operation = operation.model_copy(update={"approval": approval.id})
        self._store.write(
            {
                keys.approval(approval.id): approval.to_json(),
                keys.operation(operation.id): operation.to_json(),
            }
        )
        return operation

    def all(self) -> list[Operation]:
        """Every operation, oldest first."""
        found = self._store.prefix(keys.OPERATIONS).values()
        return _oldest_first(Operation.model_validate_json(value) for value in found)

    def unended(self) -> list[Operation]:
        """Those that have not ended, oldest first; costs no more for a long past, as only changes are read."""
        with self._reading:
            changed, now = self._store.changed(keys.OPERATIONS, self._read_at)
            if now < self._read_at:  # another etcd, such as one from a backup
                self._unended.clear()
                changed, now = self._store.changed(keys.OPERATIONS, 0)
            self._read_at = now
            for value in changed.values():
                operation = Operation.model_validate_json(value)
                if operation.ended_already():
                    self._unended.pop(operation.id, None)
                else:
                    self._unended[operation.id] = operation
            return _oldest_first(self._unended.values())

    def under_way(self) -> list[Operation]:
        """Those that run or are to, oldest first."""
        return [operation for operation in self.unended() if operation.is_under_way()]

    def get(self, operation_id: str) -> Operation | None:
        """One operation, or None."""
        text = self._store.get(keys.operation(operation_id))
        return None if text is None else Operation.model_validate_json(text)

    def save(self, operation: Operation) -> None:
        """Write what has become of an operation."""
        self._store.put(keys.operation(operation.id), operation.to_json())

    def end(
        self, operation: Operation, status: OperationStatus, sentence: str, also: Mapping[str, str] | None = None
    ) -> Operation:
        """Bring an operation to its end; steps that never ran are skipped, none stays in progress.

        The keys of `also` are written with it.
        """
        ended = self._ended(operation, status, sentence)
        self._store.write({keys.operation(ended.id): ended.to_json(), **(also or {})})
        return ended

    def _ended(self, operation: Operation, status: OperationStatus, sentence: str) -> Operation:
        steps = {
            name: state.model_copy(update={"status": "skipped"}) if state.status in ("waiting", "running") else state
            for name, state in operation.steps.items()
        }
        update = {"status": status, "sentence": sentence, "ended": self._clock(), "steps": steps}
        return operation.model_copy(update=update)

    def cancel_running(self, operation: Operation, why: str, also: Mapping[str, str]) -> None:
        """Note that an operation is given up, so that whoever goes on with it knows."""
        self._store.write({keys.cancellation(operation.id): why, **also})

    def why_cancelled(self, operation: Operation) -> str:
        """What an operation says at its end that somebody gave up; nothing where nobody did."""
        return self._store.get(keys.cancellation(operation.id)) or ""

    def forget_given_up(self, operation: Operation) -> None:
        """Where it was done before anybody could give it up, it is not given up."""
        newest = self.get(operation.id) if self.why_cancelled(operation) else None
        if newest is not None and newest.status == "done":
            self._store.delete(*map(keys.given_up, operation.plan.locks))

    def withdraw(self, before: Approval, after: Approval, operation: Operation, why: str) -> bool:
        """End an operation that waits for leave, and its approval, at once; False where somebody decided meanwhile."""
        ended = self._ended(operation, "cancelled", why)
        puts = {keys.approval(after.id): after.to_json(), keys.operation(ended.id): ended.to_json()}
        return self._store.write_where(keys.approval(before.id), before.to_json(), puts)

    def approvals(self) -> list[Approval]:
        """Every approval, oldest first."""
        found = (Approval.model_validate_json(value) for value in self._store.prefix(keys.APPROVALS).values())
        return sorted(found, key=lambda approval: (approval.asked, approval.id))

    def approval(self, approval_id: str) -> Approval | None:
        """One approval, or None."""
        text = self._store.get(keys.approval(approval_id))
        return None if text is None else Approval.model_validate_json(text)

    def change_approval(self, before: Approval, after: Approval) -> bool:
        """Write a decision, unless somebody else's came first."""
        return self._store.swap(keys.approval(before.id), before.to_json(), after.to_json())

    def use_approval(self, before: Approval, used: Approval, operation: Operation) -> bool:
        """Let an operation go by its approval; both are written at once, so that leave is used once. False where
        somebody withdrew it meanwhile."""
        puts = {keys.approval(used.id): used.to_json(), keys.operation(operation.id): operation.to_json()}
        return self._store.write_where(keys.approval(before.id), before.to_json(), puts)

    def _new(self, plan: Plan, revision: str, origin: Origin, status: OperationStatus) -> Operation:
        return Operation(
            id=f"{int(self._clock()):x}{secrets.token_hex(2)}",
            revision=revision,
            plan=plan,
            origin=origin,
            status=status,
            steps={step.id: StepState() for step in plan.steps},
            created=self._clock(),
        )


def _oldest_first(operations: Iterable[Operation]) -> list[Operation]:
    return sorted(operations, key=lambda operation: (operation.created, operation.id))
