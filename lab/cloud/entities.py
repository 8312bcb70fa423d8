"""What a project holds. These change in place: they are the cloud's own memory."""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar, Literal

from pydantic import Field

from lab.cloud.bodies import Body
from lab.cloud.catalog import Image, Location, ServerType

ServerStatus = Literal["initializing", "starting", "running", "stopping", "off", "deleting"]
IpType = Literal["ipv4", "ipv6"]


@dataclass(kw_only=True, eq=False)
class Entity:
    kind: ClassVar[str]

    id: int
    name: str
    created: datetime
    labels: dict[str, str]


@dataclass(kw_only=True, eq=False)
class Protectable(Entity):
    protected: bool = False


@dataclass(kw_only=True, eq=False)
class SshKey(Entity):
    kind = "ssh_key"

    public_key: str
    fingerprint: str


@dataclass(kw_only=True, eq=False)
class PlacementGroup(Entity):
    kind = "placement_group"

    type: str


@dataclass(kw_only=True, eq=False)
class PrimaryIp(Protectable):
    kind = "primary_ip"

    type: IpType
    ip: str
    location: Location
    auto_delete: bool
    server_id: int | None = None


@dataclass(kw_only=True, eq=False)
class FloatingIp(Protectable):
    kind = "floating_ip"

    type: IpType
    ip: str
    description: str
    home_location: Location
    server_id: int | None = None


@dataclass(frozen=True)
class Subnet:
    ip_range: IPv4Network
    type: str
    network_zone: str


@dataclass(frozen=True)
class Route:
    destination: IPv4Network
    gateway: IPv4Address


@dataclass(kw_only=True, eq=False)
class Network(Protectable):
    kind = "network"

    ip_range: IPv4Network
    subnets: list[Subnet]
    routes: list[Route]
    expose_routes_to_vswitch: bool = False


class FirewallRule(Body):
    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "esp", "gre"]
    port: str | None = None
    source_ips: list[str] = Field(default_factory=list)
    destination_ips: list[str] = Field(default_factory=list)
    description: str | None = None


@dataclass(kw_only=True, eq=False)
class Firewall(Entity):
    kind = "firewall"

    rules: list[FirewallRule]
    server_ids: set[int] = field(default_factory=set)
    selectors: list[str] = field(default_factory=list)


@dataclass(kw_only=True, eq=False)
class Server(Protectable):
    kind = "server"

    machine: str
    """What the backend knows it by: a server may be renamed, its machine keeps the name."""
    server_type: ServerType
    image: Image
    location: Location
    user_data: str
    ssh_keys: tuple[str, ...]
    ipv4: PrimaryIp
    ipv6: PrimaryIp | None
    placement_group: PlacementGroup | None
    status: ServerStatus = "initializing"
    private_addresses: dict[int, IPv4Address] = field(default_factory=dict)
    """By network id."""
    booted: bool = False
    """Whether the backend knows the machine: a server created without a start has none yet."""


@dataclass(kw_only=True, eq=False)
class Volume(Protectable):
    kind = "volume"

    size: int
    location: Location
    server: int | None = None


class Record(Body):
    value: str
    comment: str | None = None


@dataclass(kw_only=True, eq=False)
class RrSet:
    name: str
    type: str
    ttl: int | None
    labels: dict[str, str]
    records: list[Record]
    protected: bool = False

    @property
    def id(self) -> str:
        return f"{self.name}/{self.type}"


@dataclass(kw_only=True, eq=False)
class Zone(Protectable):
    kind = "zone"

    ttl: int
    rrsets: dict[str, RrSet]
    """By id, `name/type`."""
