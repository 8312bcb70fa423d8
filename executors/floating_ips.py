"""The cluster's floating IPs: rented once, moved from server to server, given back."""

import contextlib
from dataclasses import dataclass
from ipaddress import IPv4Address

from hcloud.actions import ActionFailedException
from hcloud.floating_ips import BoundFloatingIP
from hcloud.locations import Location

from executors.cloud import Cloud, CloudSettings, client_of
from executors.cloud_errors import in_words
from executors.cloud_settling import settle
from model.errors import StepFailed


@dataclass(frozen=True)
class FloatingAddress:
    """A floating IP, and the id of the server that what is sent to it goes to."""

    name: str
    ip: IPv4Address
    server_id: int | None


class FloatingIps:
    """Every call raises `StepFailed` with one sentence. IPv4 only."""

    def __init__(self, settings: CloudSettings, cluster: str) -> None:
        self._client = client_of(settings)
        self._cloud = Cloud(settings, cluster)
        self._cluster = cluster

    def ensure(self, name: str, location: str) -> FloatingAddress:
        """The cluster's floating IP of that name; rented where there is none."""

        def work() -> FloatingAddress:
            found = self._find(name)
            if found is None:
                found = self._client.floating_ips.create(
                    type="ipv4", name=name, home_location=Location(name=location), labels={"cluster": self._cluster}
                ).floating_ip
            return _address(found)

        with in_words(f"{name}: renting a floating IP in {location}"):
            return settle(work)

    def assign(self, name: str, node: str) -> FloatingAddress:
        """Have what is sent to a floating IP go to a node's server; nothing is done where it does already."""
        server = self._cloud.find(node)
        if server is None:
            raise StepFailed(f"{node}: it has no server that floating IP {name} could go to")

        def work() -> FloatingAddress:
            found = self._existing(name)
            if _address(found).server_id == server.id:
                found = _at_rest(found)
            if _address(found).server_id != server.id:
                found.assign(server).wait_until_finished()
                found.reload()
            return _address(found)

        with in_words(f"{name}: moving the floating IP to {node}"):
            return settle(work)

    def leads_to(self, name: str, ip: IPv4Address) -> str | None:
        """The name of the server to which what is for an address goes; None where that is nobody's any more."""
        with in_words(f"{name}: asking where the floating IP leads to"):
            found = self._find(name)
            if found is None or _address(found).ip != ip:
                return None
            server = _at_rest(found).server
            return None if server is None else str(server.name)

    def give_back(self, name: str) -> bool:
        """Give the cluster's floating IP of that name back; says whether there was one."""

        def work() -> bool:
            found = self._find(name)
            return found is not None and bool(found.delete())

        with in_words(f"{name}: giving the floating IP back"):
            return settle(work)

    def _existing(self, name: str) -> BoundFloatingIP:
        found = self._find(name)
        if found is None:
            raise StepFailed(
                f"{name}: there is no floating IP of that name; make it in the Hetzner console, with the label "
                f"cluster={self._cluster}"
            )
        return found

    def _find(self, name: str) -> BoundFloatingIP | None:
        found = self._client.floating_ips.get_by_name(name)
        if found is None:
            return None
        if (found.labels or {}).get("cluster") != self._cluster:
            raise StepFailed(
                f"{name}: a floating IP of that name exists that is not cluster {self._cluster}'s; give it the label "
                f"cluster={self._cluster} in the Hetzner console to have flstr move it"
            )
        if found.type != "ipv4":
            raise StepFailed(f"{name}: the floating IP is not IPv4, and flstr moves no others; make one of type ipv4")
        return found


def _at_rest(found: BoundFloatingIP) -> BoundFloatingIP:
    """The same once nothing is under way with it: a move may be whose answer was lost, or which nobody waited for.

    It is read again even where nothing is: a move may have ended since it was read.
    """
    for action in found.get_actions(status=["running"]):
        with contextlib.suppress(ActionFailedException):
            action.wait_until_finished()
    found.reload()
    return found


def _address(found: BoundFloatingIP) -> FloatingAddress:
    server_id = None if found.server is None else found.server.id
    return FloatingAddress(str(found.name), IPv4Address(str(found.ip)), server_id)
