"""What of a snapshot must not live on in the etcd that is made from it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from gitops.fencing import epoch_of
from model import keys
from model.operation import Approval, Operation

# Leases are gone with their keys' owners, what was asked is answered by nobody any more, and who was silent then may
# answer now. What failed may be tried again.
DROPPED = (
    keys.LOCKS,
    keys.CONTROLLERS,
    keys.ALIVE,
    keys.INTENTS,
    keys.ATTACHMENTS,
    keys.ATTEMPTS,
    keys.CANCELLATIONS,
    keys.DEAD,
    keys.NOT_READY,
    keys.UNREACHABLE,
    keys.WANTED_COMMITS,
    # The etcd that is made from it is nobody's on the controllers; whoever bootstraps founds it there anew.
    keys.ETCD_MEMBERS,
    keys.INSTALLED,
    keys.ENROLLED,
)
DROPPED_KEYS = frozenset(
    {
        *(keys.LEADER, keys.SYNC_ASKED, keys.TROUBLE, keys.FAILOVER_TROUBLE, keys.HANDED_OVER),
        # A new one is made by whoever bootstraps: what is left of the etcd before can take part no more, and data of it
        # on a machine are known to be another's.
        keys.AUTHORITY,
    }
)
GIVEN_UP = "etcd was restored from a backup that was made while it was under way"


@dataclass(frozen=True)
class Revival:
    """What is written and removed."""

    puts: Mapping[str, str]
    deletes: tuple[str, ...]


def revive(found: Mapping[str, str], now: float) -> Revival:
    """Everything that was under way ends as given up; its card says so once the bot runs."""
    deletes = [key for key in found if key.startswith(DROPPED) or key in DROPPED_KEYS]
    puts = {}
    for key, text in sorted(found.items()):
        if key.startswith(keys.OPERATIONS):
            operation = Operation.model_validate_json(text)
            if not operation.ended_already():
                puts[key] = _given_up(operation, now).to_json()
        elif key.startswith(keys.APPROVALS):
            approval = Approval.model_validate_json(text)
            if approval.status in ("waiting", "approved"):
                puts[key] = approval.model_copy(update={"status": "void"}).to_json()
    return Revival(puts, tuple(sorted(deletes)))


def next_epoch(before: str | None, greatest_token: int) -> int:
    """Greater than the snapshot's, and than any by which a machine was told something."""
    return max(int(before or "0"), epoch_of(greatest_token)) + 1


def _given_up(operation: Operation, now: float) -> Operation:
    steps = {
        name: state.model_copy(update={"status": "skipped"}) if state.status in ("waiting", "running") else state
        for name, state in operation.steps.items()
    }
    update = {"status": "cancelled", "sentence": GIVEN_UP, "ended": now, "steps": steps}
    return operation.model_copy(update=update)
