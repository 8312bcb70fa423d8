"""What becomes of the operations that wait for leave once somebody decided, nobody did in time, or the plan changed."""

from collections.abc import Sequence

from gitops.operations import Operations
from model.operation import Approval, Operation


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
    operations.use_approval(used, operation.model_copy(update={"status": "queued"}))
    return True


def _why_ended(approval: Approval) -> str:
    match approval.status:
        case "denied":
            return f"{approval.decisions[-1].person} denied it"
        case "expired":
            return "nobody decided in time"
        case _:
            return "the plan has changed since it was asked for"
