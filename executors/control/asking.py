"""Questions and orders to etcd go by `etcdctl` on a controller whose member has a quorum, over the ordinary SSH."""

from collections.abc import Iterable

from executors.control.member_files import NO_QUORUM_STATUS
from executors.remote import Remote, Unreachable
from gitops.control import full_members
from gitops.executor import StepContext
from model.errors import StepFailed
from model.names import NodeName
from model.registered import Registered

ASK_SECONDS = 120.0


def carriers(registered: Registered, but: NodeName = "") -> tuple[NodeName, ...]:
    """The controllers to ask, those that are silent last."""
    silent = registered.dead.keys() | registered.not_ready.keys()
    members = (node for node in full_members(registered) if node != but)
    return tuple(sorted(members, key=lambda node: (node in silent, node)))


def at_a_member(
    ssh: Remote, script: str, candidates: Iterable[NodeName], context: StepContext, timeout: float = ASK_SECONDS
) -> str:
    """What the script printed on the first of the controllers whose member has a quorum. Raises `StepFailed`."""
    asked = tuple(candidates)
    for node in asked:
        try:
            return ssh.run(node, script, context.fence, timeout)
        except Unreachable:
            continue
        except StepFailed as failure:
            if failure.status != NO_QUORUM_STATUS:
                raise
    raise StepFailed(f"etcd has no quorum, or is not reached, on {', '.join(asked) or 'any other controller'}")
