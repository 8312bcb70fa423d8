"""One project's state, kept in memory."""

import itertools
from collections.abc import Iterable

from lab.cloud.actions import ActionLog, ResourceRef
from lab.cloud.addresses import AddressPool
from lab.cloud.backend import MachineBackend
from lab.cloud.catalog import (
    DATACENTERS,
    IMAGES,
    LOCATIONS,
    SERVER_TYPES,
    Datacenter,
    Image,
    Location,
    ServerType,
)
from lab.cloud.collection import Collection
from lab.cloud.entities import (
    Entity,
    Firewall,
    FloatingIp,
    IpType,
    Network,
    PlacementGroup,
    PrimaryIp,
    Server,
    SshKey,
    Volume,
    Zone,
)
from lab.cloud.settings import CloudSettings


class Project:
    def __init__(
        self,
        backend: MachineBackend,
        addresses: Iterable[str],
        settings: CloudSettings,
        floating_addresses: Iterable[str] = (),
    ) -> None:
        self.backend = backend
        self.settings = settings
        self.locations: Collection[Location] = Collection("location", LOCATIONS)
        self.datacenters: Collection[Datacenter] = Collection("datacenter", DATACENTERS)
        self.server_types: Collection[ServerType] = Collection("server_type", SERVER_TYPES)
        self.images: Collection[Image] = Collection("image", IMAGES)
        self.servers: Collection[Server] = Collection("server")
        self.ssh_keys: Collection[SshKey] = Collection("ssh_key")
        self.networks: Collection[Network] = Collection("network")
        self.firewalls: Collection[Firewall] = Collection("firewall")
        self.floating_ips: Collection[FloatingIp] = Collection("floating_ip")
        self.primary_ips: Collection[PrimaryIp] = Collection("primary_ip")
        self.placement_groups: Collection[PlacementGroup] = Collection("placement_group")
        self.volumes: Collection[Volume] = Collection("volume")
        self.zones: Collection[Zone] = Collection("zone")
        self.sold_out: set[tuple[str, str]] = set()
        """Server type and location names that no server can be placed for."""
        # One counter for everything: an id used for the wrong kind of thing is then never found by accident.
        self._ids = itertools.count(10_001)
        self.actions = ActionLog(self.next_id)
        self._ipv4 = AddressPool(addresses)
        self._floating_ipv4 = AddressPool(floating_addresses, "floating IP limit exceeded")
        self._ipv6_networks = itertools.count(1)

    def datacenter_of(self, location: Location) -> Datacenter:
        return next(datacenter for datacenter in self.datacenters if datacenter.location == location)

    def next_id(self) -> int:
        return next(self._ids)

    def take_ip(self, kind: IpType) -> str:
        """IPv6 networks come from the documentation range: no lab host listens there."""
        return self._ipv4.take() if kind == "ipv4" else f"2001:db8:{next(self._ipv6_networks):x}::/64"

    def take_floating_ip(self, kind: IpType) -> str:
        """From a range of their own: nobody on the servers' network asks for them, they are routed."""
        return self._floating_ipv4.take() if kind == "ipv4" else self.take_ip(kind)

    def free_floating_ip(self, kind: IpType, ip: str) -> None:
        if kind == "ipv4":
            self._floating_ipv4.free(ip)

    def free_ip(self, kind: IpType, ip: str) -> None:
        if kind == "ipv4":
            self._ipv4.free(ip)


def ref(entity: Entity) -> ResourceRef:
    return ResourceRef(entity.kind, entity.id)
