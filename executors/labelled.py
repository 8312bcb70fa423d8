"""What bears the cluster's label in the cloud: found, and given back, each kind by the calls of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hcloud import Client

from executors.cloud import CloudSettings, client_of
from executors.cloud_errors import in_words
from executors.cloud_settling import settle
from gitops.orphans import InCloud, OrphanKind

# In the order in which they can be given back: a server lets go of what it has.
AFTER_SERVERS: tuple[OrphanKind, ...] = ("floating_ip", "primary_ip", "volume")
# Those of which the cloud lets somebody forbid that they are deleted.
PROTECTABLE: tuple[OrphanKind, ...] = ("server", *AFTER_SERVERS)
KINDS: tuple[OrphanKind, ...] = (*PROTECTABLE, "placement_group")


# flstr's SSH key bears the label as well, and costs nothing.
Kind = OrphanKind | Literal["ssh_key"]


@dataclass(frozen=True)
class Labelled:
    """What is in a project under `cluster=<name>`. Every call raises `StepFailed` with one sentence."""

    client: Client
    cluster: str

    @classmethod
    def of(cls, settings: CloudSettings, cluster: str) -> "Labelled":
        """Reached as the settings say."""
        return cls(client_of(settings), cluster)

    def all(self) -> list[InCloud]:
        """Everything of the kinds that somebody may pay for, and placement groups."""
        return [_seen(kind, one) for kind in KINDS for one in self.bound(kind)]

    def protected(self) -> list[str]:
        """What the cloud would not delete because somebody has protected it, such as `server controller001`."""
        found = ((kind, one) for kind in PROTECTABLE for one in self.bound(kind))
        return [f"{called(kind)} {one.name}" for kind, one in found if (one.protection or {}).get("delete")]

    def bound(self, kind: Kind) -> list[Any]:
        """Those of one kind, as hcloud's client has them."""
        with in_words(f"looking for each {called(kind)} that bears the cluster's label"):
            return self._found(kind)

    def give_back(self, kind: Kind, number: int, name: str = "") -> bool:
        """Give one back and wait until it is gone; says whether there was one. One without the label stays."""
        with in_words(f"giving {called(kind)} {name or number} back"):
            return settle(lambda: self._delete(kind, number))

    def give_back_group(self, number: int) -> None:
        """Give a placement group back, which may have servers: each is taken out of it before, also while it runs."""
        with in_words(f"giving placement group {number} back"):
            settle(lambda: self._empty_and_delete(number))

    def _found(self, kind: Kind) -> list[Any]:
        """With the client's own errors, by which what was disturbed is known."""
        found: list[Any] = self._client_of(kind).get_all(label_selector=f"cluster={self.cluster}")
        return found

    def _empty_and_delete(self, number: int) -> None:
        for group in self._found("placement_group"):
            if group.id == number:
                for server_id in group.servers or ():
                    self.client.servers.get_by_id(server_id).remove_from_placement_group().wait_until_finished()
                group.delete()

    def _delete(self, kind: Kind, number: int) -> bool:
        one = next((one for one in self._found(kind) if one.id == number), None)
        if one is None:
            return False
        if kind == "volume" and one.server is not None:
            # The cloud wants it detached, also from a machine that goes only later.
            one.detach().wait_until_finished()
        answer = self._client_of(kind).delete(one)
        if kind == "server":
            answer.wait_until_finished()
        return True

    def _client_of(self, kind: Kind) -> Any:
        return getattr(self.client, f"{kind}s")


def called(kind: Kind) -> str:
    """A kind as people say it."""
    return kind.replace("_", " ")


def _seen(kind: OrphanKind, one: Any) -> InCloud:
    return InCloud(kind, int(one.id), str(one.name or ""), _created(one.created), tuple(_users(kind, one)))


def _created(at: datetime | str | None) -> float:
    if at is None:
        return 0.0
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at)).timestamp()


def _users(kind: OrphanKind, one: Any) -> Iterator[int]:
    if kind == "placement_group":
        yield from one.servers or ()
    elif kind == "primary_ip" and one.assignee_id is not None:
        yield one.assignee_id
    elif kind == "volume" and one.server is not None:
        yield one.server.id
