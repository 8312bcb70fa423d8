"""What becomes of the operations that wait for leave once somebody decided, nobody did in time, or the plan changed."""

from collections.abc import Sequence

from gitops.operations import Operations
from gitops.plan_changes import plan_changes
from model.operation import Approval, Fact, Operation
from model.people import Approvals
from model.steps import Plan


def close_decided(
    operations: Operations, unended: Sequence[Operation], approvals: Sequence[Approval], now: float
) -> None:
    """End the waiting operations that were denied, voided, or not decided in time."""
    waiting = {item.id: item for item in unended if item.status == "awaiting_approval"}
    for approval in approvals:
        operation = waiting.get(approval.operation)
        if operation is None:
            continue
        if approval.status == "waiting" and now >= approval.expires:
            expired = approval.model_copy(update={"status": "expired"})
            if operations.change_approval(approval, expired):
                operations.end(operation, "expired", f"{_why_ended(expired)}; nothing was changed")
        elif approval.status in ("denied", "expired", "void"):
            operations.end(operation, approval.status, f"{_why_ended(approval)}; nothing was changed")


def remind(operations: Operations, approvals: Sequence[Approval], policy: Approvals, now: float) -> None:
    """Note that those who may decide are to be reminded, and that others may decide as well, where that is due."""
    for approval in approvals:
        if approval.status == "waiting" and now < approval.expires:
            due = reminded(approval, policy, now)
            if due != approval:
                # Where somebody decided meanwhile, there is nobody to remind.
                operations.change_approval(approval, due)


def reminded(approval: Approval, policy: Approvals, now: float) -> Approval:
    """The approval with what is due noted on it; of reminders that were missed, one is made up for."""
    last = max((approval.asked, *approval.reminded))
    update: dict[str, object] = {}
    if policy.remind is not None and now >= last + policy.remind:
        update["reminded"] = (*approval.reminded, now)
    second = policy.escalate
    if second is not None and approval.escalated is None and now >= approval.asked + second.after:
        update["escalated"] = now
    return approval.model_copy(update=update)


def in_place_of(operations: Operations, approvals: Sequence[Approval], plan: Plan) -> tuple[Fact, ...]:
    """What a card says of the void one whose place it takes; nothing where the last one came to another end."""
    last = operations.get(approvals[-1].operation) if approvals else None
    if last is None or last.status != "void":
        return ()
    changes = plan_changes(last.plan, plan) or ("the plan is the same, its approvals count no more",)
    return (Fact(title=f"In place of {last.id}, which is void", text="; ".join(changes)),)


def void(operations: Operations, approval: Approval, sentence: str) -> bool:
    """Let an approval count no more; False where somebody decided meanwhile, which has to be looked at first."""
    if not operations.change_approval(approval, approval.model_copy(update={"status": "void"})):
        return False
    operation = operations.get(approval.operation)
    if operation is not None and not operation.ended_already():
        operations.end(operation, "void", sentence)
    return True


def let_go(operations: Operations, approval: Approval) -> bool:
    """Queue the operation that an approval is for, and use the approval up."""
    operation = operations.get(approval.operation)
    if operation is None or operation.ended_already():
        return void(operations, approval, "the operation has ended")
    used = approval.model_copy(update={"status": "used"})
    operations.use_approval(approval, used, operation.model_copy(update={"status": "queued"}))
    # Where somebody withdrew it meanwhile, that has to be looked at first.
    return True


def _why_ended(approval: Approval) -> str:
    match approval.status:
        case "denied":
            return f"{approval.decisions[-1].person} denied it"
        case "expired":
            return "nobody decided in time"
        case _:
            return "the plan has changed since it was asked for"
