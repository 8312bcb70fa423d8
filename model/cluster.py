"""`cluster.yaml` as a whole."""

import itertools

from pydantic import Field, model_validator

from model.base import Frozen
from model.freezes import FreezeWindow, ZoneName
from model.names import (
    AgeRecipient,
    BackupPlace,
    BucketRegion,
    ChannelName,
    ClusterName,
    FloatingIpName,
    MeshName,
    NodeName,
    PersonName,
    PoolName,
    Role,
    Seconds,
    TeamName,
    WebAddress,
    node_name,
)
from model.networks import OVERLAY, Dns, FloatingIp, Mesh, Overlay
from model.people import Approvals, Person, Right, Team
from model.pools import Cloud, Pool


class ClusterSecrets(Frozen):
    """Who can read the apps' secrets: whoever has the private key of one of these."""

    recipients: tuple[AgeRecipient, ...] = Field(
        (),
        description="Public keys that `flstr secret set` encrypts to: the cluster's own, and any other that may read",
        json_schema_extra={"writeOnly": True},
    )


class Backups(Frozen):
    """Copies of etcd, encrypted to the cluster's own key and to `secrets.recipients`, kept off the controllers."""

    to: BackupPlace = Field(
        description="A folder (a mount of storage elsewhere, below /mnt, /srv or /media, that belongs to user flstr), "
        "or s3://bucket/prefix"
    )
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
        description=(
            "Percentage of the machines whose silence at once is the network's, so that nothing follows; those given "
            "up within the last hour count among them"
        ),
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
