"""The steps of a plan. Each says all that is needed to carry it out, and may be carried out twice."""

import functools
import hashlib
from typing import Annotated, Literal

from pydantic import Field

from model.app import DRAIN_SECONDS, App
from model.base import Frozen
from model.names import (
    AppKind,
    AppName,
    CertificateHost,
    CloudLocation,
    FloatingIpName,
    ImageName,
    InstanceId,
    MeshName,
    NodeName,
    Role,
    ServerType,
)
from model.pools import Elsewhere
from model.registered import Orphan
from model.service_steps import ServiceStep


class CreateNode(Frozen):
    """Rent a machine, reach it under its known host key, read its mesh keys."""

    kind: Literal["node.create"] = "node.create"
    node: NodeName
    pool: str
    role: Role
    server_type: ServerType
    location: CloudLocation
    image: ImageName
    otherwise: tuple[Elsewhere, ...] = ()
    spread: bool = Field(False, description="Whether it stands on hardware that no other machine of its pool is on")


class JoinMeshes(Frozen):
    """Bring machines into every mesh of their role, and register them once they are reached through it."""

    kind: Literal["mesh.join"] = "mesh.join"
    nodes: tuple[NodeName, ...]


class RefreshMeshes(Frozen):
    """Bring machines that are in their meshes to what these say by now; one that does not answer is left as it is."""

    kind: Literal["mesh.refresh"] = "mesh.refresh"
    nodes: tuple[NodeName, ...]


class JoinOverlay(Frozen):
    """Give machines a subnet of the overlay, and bring the peers of every other one up to date."""

    kind: Literal["overlay.join"] = "overlay.join"
    nodes: tuple[NodeName, ...] = ()


class RetireMeshes(Frozen):
    """Stop meshes that the manifest no longer has on every machine, and forget their members and addresses."""

    kind: Literal["mesh.retire"] = "mesh.retire"
    meshes: tuple[MeshName, ...]


class RetireOverlay(Frozen):
    """Stop the overlay on every machine, and forget its leases."""

    kind: Literal["overlay.retire"] = "overlay.retire"


class WriteKeys(Frozen):
    """Write keys of the registered tree: an app's meta_data, a public address."""

    kind: Literal["registry.write"] = "registry.write"
    put: dict[str, str] = Field(default_factory=dict)
    delete: tuple[str, ...] = ()


class BuildRelease(Frozen):
    """Fetch a commit on a machine and build it."""

    kind: Literal["release.build"] = "release.build"
    node: NodeName
    app: App


class StartInstance(Frozen):
    """Start an instance, wait until it is healthy, register it; with `build`, its commit is built first."""

    kind: Literal["instance.start"] = "instance.start"
    node: NodeName
    app: App
    instance: InstanceId
    build: bool = False


class WatchInstances(Frozen):
    """See that new instances serve without a fault for a while, and no worse than those beside them."""

    kind: Literal["instance.watch"] = "instance.watch"
    app: App
    instances: dict[InstanceId, NodeName]


class ApplyRouting(Frozen):
    """Bring HAProxy on every node and nginx on the ingresses to what is registered, and see `serving` answer there."""

    kind: Literal["routing.apply"] = "routing.apply"
    serving: tuple[tuple[AppKind, AppName, InstanceId], ...] = ()


class DrainInstance(Frozen):
    """Take an instance out of the routing and wait until it has no more connections."""

    kind: Literal["instance.drain"] = "instance.drain"
    app_kind: AppKind
    app: AppName
    instance: InstanceId
    node: NodeName
    within: float = Field(DRAIN_SECONDS, description="Seconds at most")


class StopInstance(Frozen):
    """Stop an instance and clean up after it."""

    kind: Literal["instance.stop"] = "instance.stop"
    app_kind: AppKind
    app: AppName
    instance: InstanceId
    node: NodeName


class ObtainCertificate(Frozen):
    """Get a certificate from the authority and keep it; where that fails, the old one stays."""

    kind: Literal["certificate.obtain"] = "certificate.obtain"
    name: CertificateHost


class PointNames(Frozen):
    """Bring the DNS names of machines and public hosts to the addresses that are registered, `without` these
    machines; and where some of them were public until now, wait until nobody remembers that."""

    kind: Literal["names.point"] = "names.point"
    without: tuple[NodeName, ...] = ()


class HoldFloatingIp(Frozen):
    """Rent a floating IP where there is none, and have a machine hold it."""

    kind: Literal["floating_ip.hold"] = "floating_ip.hold"
    name: FloatingIpName
    node: NodeName
    location: CloudLocation


class SettleFloatingIps(Frozen):
    """Have machines answer at those of these floating IPs that they hold, and at none that is the cluster's no more."""

    kind: Literal["floating_ip.settle"] = "floating_ip.settle"
    nodes: tuple[NodeName, ...]
    names: tuple[FloatingIpName, ...] = ()


class GiveBackFloatingIp(Frozen):
    """Give a floating IP back to the cloud."""

    kind: Literal["floating_ip.give_back"] = "floating_ip.give_back"
    name: FloatingIpName


class LeaveMeshes(Frozen):
    """Take a machine's host file, address and /etc/hosts line off every other machine, and deregister it."""

    kind: Literal["mesh.leave"] = "mesh.leave"
    node: NodeName


class LeaveOverlay(Frozen):
    """Drop a machine's lease, and its peer on every other machine."""

    kind: Literal["overlay.leave"] = "overlay.leave"
    node: NodeName


class DestroyNode(Frozen):
    """Give a machine back to the cloud."""

    kind: Literal["node.destroy"] = "node.destroy"
    node: NodeName


class FoundEtcd(Frozen):
    """Make the cluster's etcd on controllers that are in their mesh: authority, certificates, members, users."""

    kind: Literal["etcd.found"] = "etcd.found"
    nodes: tuple[NodeName, ...]


class AddEtcdMember(Frozen):
    """Have one more controller carry the cluster's etcd, and wait until it has caught up."""

    kind: Literal["etcd.add"] = "etcd.add"
    node: NodeName


class RemoveEtcdMember(Frozen):
    """Have a controller carry the cluster's etcd no more; refused where too few would be left that answer."""

    kind: Literal["etcd.remove"] = "etcd.remove"
    node: NodeName


class InstallController(Frozen):
    """Bring a controller the flstr that does this, with its settings and keys, and have it run at boot."""

    kind: Literal["controller.install"] = "controller.install"
    node: NodeName


class RetireController(Frozen):
    """Stop flstr on a controller that leaves; where it leads, another one goes on."""

    kind: Literal["controller.retire"] = "controller.retire"
    node: NodeName


class HandOver(Frozen):
    """Put all that the one who bootstraps knows into the cluster's etcd, and start flstr on the controllers."""

    kind: Literal["controller.hand_over"] = "controller.hand_over"
    nodes: tuple[NodeName, ...]


class EnrolNodes(Frozen):
    """Give machines a certificate, and the unit by which they register themselves at the cluster's etcd."""

    kind: Literal["node.enrol"] = "node.enrol"
    nodes: tuple[NodeName, ...]


class GiveBackOrphan(Frozen):
    """Give back to the cloud what is there under the cluster's label and registered nowhere."""

    kind: Literal["orphan.give_back"] = "orphan.give_back"
    orphan: Orphan


class EndCluster(Frozen):
    """Give back what is left in the cloud under the cluster's label, and at last the machine that does this."""

    kind: Literal["cluster.end"] = "cluster.end"


Step = Annotated[
    CreateNode
    | JoinMeshes
    | RefreshMeshes
    | JoinOverlay
    | RetireMeshes
    | RetireOverlay
    | WriteKeys
    | BuildRelease
    | StartInstance
    | WatchInstances
    | ApplyRouting
    | DrainInstance
    | StopInstance
    | ObtainCertificate
    | PointNames
    | HoldFloatingIp
    | SettleFloatingIps
    | GiveBackFloatingIp
    | LeaveOverlay
    | LeaveMeshes
    | DestroyNode
    | FoundEtcd
    | AddEtcdMember
    | RemoveEtcdMember
    | InstallController
    | RetireController
    | HandOver
    | EnrolNodes
    | GiveBackOrphan
    | ServiceStep
    | EndCluster,
    Field(discriminator="kind"),
]


class PlannedStep(Frozen):
    """A step with its place in the order: it starts when every step in `after` is done.

    A tolerant one starts when they have all ended and one of them is done.
    """

    id: str
    title: str
    step: Step
    after: tuple[str, ...] = ()
    tolerant: bool = False


class Losses(Frozen):
    """What a plan would destroy, for the card that asks."""

    nodes: tuple[NodeName, ...] = ()
    apps: tuple[AppName, ...] = ()
    services: tuple[AppName, ...] = Field((), description="With their data, after a last backup")
    restored: tuple[str, ...] = Field(
        (), description="Services that a backup takes the place of what they hold in: 'cache from <backup>'"
    )
    floating_ips: tuple[FloatingIpName, ...] = ()
    orphans: tuple[str, ...] = Field((), description="What nobody knows, such as 'server worker107 (42)'")
    cluster: str = Field("", description="The whole cluster, by its name, where all of it goes")
    moved: tuple[str, ...] = Field((), description="Instances that move, such as 'influencer 2-ab12cd34'")
    remaining: tuple[NodeName, ...] = Field((), description="Machines of the same pools that stay")


class Plan(Frozen):
    """What turns the registered tree into the desired one; the same trees give the same plan."""

    title: str
    steps: tuple[PlannedStep, ...] = ()
    losses: Losses | None = None
    locks: tuple[str, ...] = Field((), description="What nobody else may change meanwhile: apps, and MACHINES")

    @functools.cached_property
    def text(self) -> str:
        """Its JSON, made once: an operation is written at each of its steps, and its plan never changes."""
        return self.to_json()

    def digest(self) -> str:
        """Sixteen digits that name exactly this plan."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def destroys(self) -> bool:
        """Whether it needs an approval."""
        return self.losses is not None
