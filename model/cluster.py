"""`cluster.yaml`: the machines, the networks between them, and who may do what."""

import itertools
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from model.base import Frozen
from model.freezes import FreezeWindow, ZoneName
from model.names import (
    AgeRecipient,
    BackupPlace,
    BucketRegion,
    ChannelName,
    CloudLocation,
    ClusterName,
    CronLine,
    DownloadUrl,
    Email,
    EtcdUrl,
    FloatingIpName,
    Form,
    HostName,
    ImageName,
    MeshName,
    NodeName,
    PersonName,
    PoolName,
    Port,
    Role,
    Seconds,
    ServerType,
    Sha256,
    SlackGroup,
    SlackUser,
    TeamName,
    WebAddress,
    node_name,
)

# The name of the overlay beside those of the meshes, which therefore cannot have it.
OVERLAY = "overlay"

Right = Literal["read", "deploy", "scale", "sync", "approve", "hold", "break-glass"]
# What somebody had to do with a plan that waits for leave.
Part = Literal["requester", "author", "merger"]


def _subnet(value: object) -> object:
    if isinstance(value, IPv4Network):
        return value
    try:
        network = IPv4Network(str(value), strict=False)
    except ValueError as error:
        raise ValueError("a subnet is an address and a length, such as 10.110.0.0/24") from error
    if str(network) != value:
        raise ValueError(f"'{value}' is not how a subnet is written; write {network}")
    return network


Subnet = Annotated[
    IPv4Network,
    BeforeValidator(_subnet),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"}),
    Form("an IPv4 network, such as 10.110.0.0/24"),
]


class Cloud(Frozen):
    """Where machines are rented."""

    location: CloudLocation = Field("fsn1", description="Hetzner location of machines that name none of their own")
    image: ImageName = Field("debian-12", description="Image that new machines start from")


class Elsewhere(Frozen):
    """What is rented instead where the cloud has none left; a field that is absent is as the pool says."""

    server_type: ServerType | None = Field(None, description="Hetzner server type")
    location: CloudLocation | None = Field(None, description="Hetzner location")

    @model_validator(mode="after")
    def _differs(self) -> "Elsewhere":
        if self.server_type is None and self.location is None:
            raise ValueError("say another server_type, another location, or both")
        return self


class ScheduledCount(Frozen):
    """A size that a pool is brought to at certain times."""

    at: CronLine = Field(description="When, as minute, hour, day of the month, month and day of the week")
    count: int = Field(ge=0, le=200, description="How many machines there are to be from then on")


class Pool(Frozen):
    """Machines of one role and size; they are named after the pool, counting up from `first`."""

    role: Role = Field(description="What the machines are for")
    server_type: ServerType = Field("cx22", description="Hetzner server type")
    count: int = Field(ge=0, le=200, description="How many machines there are")
    first: int = Field(101, ge=1, le=9000, description="Number of the first machine")
    without: tuple[NodeName, ...] = Field(
        (), description="Names that are left out of the counting, of machines that were destroyed"
    )
    location: CloudLocation | None = Field(None, description="Location, where it is not the cluster's")
    otherwise: tuple[Elsewhere, ...] = Field(
        (), description="What is rented instead where the cloud has none left, tried in this order"
    )
    spread: bool | None = Field(
        None, description="Whether no two of them stand on the same hardware; controllers do so unless it is false"
    )
    schedule: tuple[ScheduledCount, ...] = Field(
        (), description="When `count` is changed by itself, each time by a commit"
    )

    def is_spread(self) -> bool:
        """Whether the machines stand on hardware of their own each."""
        return self.role == "controller" if self.spread is None else self.spread


class Mesh(Frozen):
    """A Tinc network: members connect to hubs, never to each other."""

    subnet: Subnet = Field(description="Addresses of the mesh, such as 10.110.0.0/24")
    port: Port = Field(description="TCP and UDP port of tincd on every machine of the mesh")
    hubs: tuple[Role, ...] = Field(min_length=1, description="Roles that the others connect to")
    members: tuple[Role, ...] = Field((), description="Roles that connect to the hubs")

    def roles(self) -> frozenset[Role]:
        """Every role that has a place in this mesh."""
        return frozenset(self.hubs) | frozenset(self.members)


class Flanneld(Frozen):
    """The flanneld that is installed where the overlay's driver is `flanneld`."""

    url: DownloadUrl = Field(description="Where the binary is fetched from")
    sha256: Sha256 = Field(description="What the binary has to be")
    etcd: tuple[EtcdUrl, ...] = Field(min_length=1, description="The etcd of the cluster, as the nodes reach it")


class Overlay(Frozen):
    """One subnet a node, carried by WireGuard from each node to each other, in flannel's etcd protocol."""

    network: Subnet = Field(description="Addresses of the whole overlay, such as 10.5.0.0/16")
    subnet_length: int = Field(24, ge=16, le=30, description="Length of each node's subnet")
    port: Port = Field(51820, description="UDP port of WireGuard on every node")
    members: tuple[Role, ...] = Field(
        ("worker", "ingress", "service"), min_length=1, description="Roles whose nodes have a subnet"
    )
    driver: Literal["wireguard", "flanneld"] = Field(
        "wireguard", description="Who gives out the subnets and sets the peers: flstr itself, or flanneld"
    )
    flanneld: Flanneld | None = Field(None, description="The flanneld to install; for that driver only")

    @model_validator(mode="after")
    def _a_binary_for_its_driver(self) -> "Overlay":
        if self.driver == "flanneld" and self.flanneld is None:
            raise ValueError("the driver flanneld needs a field 'flanneld' that says which binary to install")
        return self

    def room(self) -> int:
        """How many nodes can have a subnet; flannel leaves out the first one."""
        return (1 << max(0, self.subnet_length - self.network.prefixlen)) - 1


class Dns(Frozen):
    """The DNS records that flstr makes in the cloud's zones; it never changes one that somebody else made."""

    nodes: HostName | None = Field(
        None, description="Domain in which each machine has a name, such as worker101.example.com"
    )
    hosts: bool = Field(True, description="Whether the public hosts of apps lead to the ingresses that serve them")


class FloatingIp(Frozen):
    """An address that one ingress holds, and another one when that dies."""

    pool: PoolName | None = Field(None, description="Pool of the ingresses that may hold it, where not all of them may")
    nodes: tuple[NodeName, ...] = Field((), description="The ingresses that may hold it, the first of them at first")
    location: CloudLocation | None = Field(None, description="Hetzner location, where it is not the cluster's")

    @model_validator(mode="after")
    def _one_place(self) -> "FloatingIp":
        if self.pool is not None and self.nodes:
            raise ValueError("a floating IP is held by the ingresses of a pool or by named ones, not by both")
        return self


class Person(Frozen):
    """Somebody who works with this cluster."""

    slack: SlackUser = Field(description="Slack user id")
    email: Email = Field(description="Address that signs commits in the cluster repo")
    may: tuple[Right, ...] = Field(("read",), description="What this person may do")


class Team(Frozen):
    """People with the same rights: named ones, Slack users, and whoever is in a user group or a channel of Slack."""

    people: tuple[PersonName, ...] = Field((), description="Members, by their names under `people`")
    users: tuple[SlackUser, ...] = Field((), description="Members, by their Slack user ids")
    groups: tuple[SlackGroup, ...] = Field((), description="Slack user groups whose members belong to it")
    channels: tuple[ChannelName, ...] = Field((), description="Slack channels whose members belong to it")
    may: tuple[Right, ...] = Field((), description="What its members may do")


class Escalation(Frozen):
    """Who may decide as well, when nobody did in time."""

    after: Seconds = Field(description="How long a card waits before these are asked, too")
    to: TeamName = Field(description="The team that is asked, by its name under `teams`")


class Approvals(Frozen):
    """How a plan that destroys gets leave."""

    count: int = Field(1, ge=1, le=5, description="How many people have to approve")
    team: TeamName | None = Field(None, description="The team that may, where not everybody with `approve` may")
    not_by: tuple[Part, ...] = Field(
        ("requester", "author", "merger"),
        description="Whose approval does not count: of whoever asked, wrote the commits, merged the pull request",
    )
    remind: Seconds | None = Field(900.0, description="How often those who may decide are reminded")
    escalate: Escalation | None = Field(None, description="Who may decide as well, when nobody did in time")
    expires: Seconds = Field(3600.0, description="How long a card waits for a decision")


class ClusterSecrets(Frozen):
    """Who can read the apps' secrets: whoever has the private key of one of these."""

    recipients: tuple[AgeRecipient, ...] = Field(
        (),
        description="Public keys that `flstr secret set` encrypts to: the cluster's own, and any other that may read",
        json_schema_extra={"writeOnly": True},
    )


class Backups(Frozen):
    """Copies of etcd, encrypted to the cluster's own key and to `secrets.recipients`, kept off the controllers."""

    to: BackupPlace = Field(description="A folder (a mount of storage elsewhere), or s3://bucket/prefix")
    endpoint: WebAddress | None = Field(None, description="Address of the S3-compatible storage, as https://host")
    region: BucketRegion = Field("", description="Region of the bucket, where the storage has any")
    every: Seconds = Field(3600.0, description="How often a copy is made")
    keep: int = Field(48, ge=1, le=10_000, description="How many of the newest copies are kept")

    @model_validator(mode="after")
    def _a_bucket_has_an_address(self) -> "Backups":
        if self.to.startswith("s3://") and self.endpoint is None:
            raise ValueError("a bucket needs a field 'endpoint' that says where the storage is, as https://host")
        return self


class Cluster(Frozen):
    """The whole of `cluster.yaml`."""

    cluster: ClusterName = Field(description="Name of the cluster; labels every machine in the cloud")
    channel: ChannelName = Field("flstr", description="Slack channel where the cluster speaks")
    cloud: Cloud = Field(Cloud(), description="Where machines are rented")
    pools: dict[PoolName, Pool] = Field(min_length=1, description="The machines, by the name of their pool")
    meshes: dict[MeshName, Mesh] = Field(default_factory=dict, description="The Tinc networks between them, by name")
    overlay: Overlay | None = Field(None, description="The network that apps listen on, where there is one")
    dns: Dns | None = Field(None, description="The DNS records that flstr makes, where it makes any")
    floating_ips: dict[FloatingIpName, FloatingIp] = Field(
        default_factory=dict, description="Addresses that move to another ingress when one dies, by name"
    )
    people: dict[PersonName, Person] = Field(default_factory=dict, description="Who works with the cluster, by name")
    teams: dict[TeamName, Team] = Field(default_factory=dict, description="People with the same rights, by name")
    approvals: Approvals = Field(Approvals(), description="How a plan that destroys gets leave")
    secrets: ClusterSecrets = Field(
        ClusterSecrets(),
        description="Who can read the apps' secrets",
        json_schema_extra={"writeOnly": True},
    )
    freezes: tuple[FreezeWindow, ...] = Field((), description="When no newer revision is followed")
    time_zone: ZoneName = Field("UTC", description="Time zone of the schedules of pools and backups")
    drained: tuple[NodeName, ...] = Field((), description="Machines on which no instance of an app may run")
    not_ready_after: Seconds = Field(
        30.0, description="How long a machine is silent until it gets no traffic and the channel hears of it"
    )
    dead_after: Seconds = Field(
        120.0, description="How long a machine is silent until its instances are started on others"
    )
    silent_share: int = Field(
        50,
        ge=1,
        le=100,
        description="Percentage of the machines whose silence at once is the network's, so that nothing follows",
    )
    backups: Backups | None = Field(None, description="Where copies of etcd are kept, and how often they are made")
    dissolved: bool = Field(
        False, description="Whether the whole cluster is to go: every machine, address and name that it has"
    )

    def pool_of(self, node: NodeName) -> str | None:
        """The pool that wants this node, or None where no pool does."""
        return next((name for name, pool in self.pools.items() if node in self.names_of(name, pool)), None)

    @staticmethod
    def names_of(name: PoolName, pool: Pool) -> tuple[NodeName, ...]:
        """The machines of a pool, in order: `worker101`, `worker102`, … without those that it is `without`."""
        counted = (node_name(name, number) for number in itertools.count(pool.first))
        return tuple(itertools.islice((node for node in counted if node not in pool.without), pool.count))

    def nodes(self) -> dict[NodeName, Pool]:
        """Every machine that should exist, with its pool."""
        return {node: pool for name, pool in self.pools.items() for node in self.names_of(name, pool)}

    def person_by_slack(self, user: str) -> tuple[PersonName, Person] | None:
        """Who a Slack user is, or None for a stranger."""
        return next(((name, person) for name, person in self.people.items() if person.slack == user), None)

    def person_by_email(self, email: str) -> tuple[PersonName, Person] | None:
        """Who signs with this address, or None."""
        wanted = email.lower()
        return next(((name, person) for name, person in self.people.items() if person.email.lower() == wanted), None)

    def who_may(self, right: Right) -> tuple[PersonName, ...]:
        """Everybody who has this right, by name."""
        return tuple(sorted(name for name, person in self.people.items() if right in person.may))

    def control_mesh(self) -> MeshName | None:
        """The mesh by which the controllers are reached: its hubs are controllers; `vpn_ctrl` where there are more."""
        of_controllers = sorted(name for name, mesh in self.meshes.items() if "controller" in mesh.hubs)
        return "vpn_ctrl" if "vpn_ctrl" in of_controllers else next(iter(of_controllers), None)

    def app_network(self) -> str | None:
        """What carries traffic to apps: the overlay where the workers have one, else a mesh of theirs.

        A mesh that brings workers to ingresses comes first.
        """
        if self.overlay is not None and "worker" in self.overlay.members:
            return OVERLAY
        of_workers = [name for name, mesh in sorted(self.meshes.items()) if "worker" in mesh.roles()]
        to_ingress = [name for name in of_workers if "ingress" in self.meshes[name].hubs]
        return next(iter([*to_ingress, *of_workers]), None)

    def roles_of(self, network: str) -> frozenset[Role]:
        """Every role that has a place in a mesh, or in the overlay by its name; none in one that is not there."""
        if network == OVERLAY:
            return frozenset() if self.overlay is None else frozenset(self.overlay.members)
        return self.meshes[network].roles() if network in self.meshes else frozenset()

    def has_overlay(self, role: Role) -> bool:
        """Whether machines of a role have a subnet of the overlay."""
        return role in self.roles_of(OVERLAY)

    def meshes_of(self, role: Role) -> tuple[MeshName, ...]:
        """The meshes that machines of a role belong to, in order."""
        return tuple(name for name, mesh in sorted(self.meshes.items()) if role in mesh.roles())
