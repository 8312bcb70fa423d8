"""How controllers that carry the cluster stand, as a laptop sees it through their etcd."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from gitops.executor import HostFence
from gitops.fencing import host_token
from gitops.store import Store
from model import keys
from model.errors import Fenced, StepFailed
from model.names import NodeName
from model.registered import ControllerRecord

# Leadership that changes as often within one script is no passing thing.
LEADERS = 3

T = TypeVar("T")


@dataclass(frozen=True)
class Standing:
    """Which controllers run, in which version, and which of them leads."""

    running: dict[NodeName, ControllerRecord]
    leader: str
    token: int

    @property
    def fence(self) -> HostFence:
        """The token that the machines obey now; whoever leads next has a greater one."""
        return HostFence(self.token)

    @property
    def leads(self) -> NodeName:
        """The controller that leads; empty where none does."""
        return self.leader.partition(":")[0]

    def missing(self, nodes: Collection[NodeName]) -> list[NodeName]:
        """Those of them that do not run."""
        return [node for node in nodes if node not in self.running]


def standing(store: Store) -> Standing:
    """As it is now. Raises `Unreadable`."""
    found, revision = store.changed(keys.CONTROLLERS, 0)
    records = [ControllerRecord.model_validate_json(value) for value in found.values()]
    created = store.create_revision(keys.LEADER)
    return Standing(
        running={record.node: record for record in records},
        leader=store.get(keys.LEADER) or "",
        token=host_token(store.epoch(), created if created is not None else revision),
    )


def obeyed(store: Store, act: Callable[[HostFence], T]) -> T:
    """What comes of something that a machine does by the token of whoever leads; where another one led by the time it
    came there, nothing was done, and it is said again by theirs. Raises `StepFailed` where that has no end."""
    for _ in range(LEADERS):
        try:
            return act(standing(store).fence)
        except Fenced as error:
            fenced = error
    raise StepFailed(f"{fenced}; leadership changes again and again, so say it once more when it has settled")
