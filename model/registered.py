"""What etcd says exists: the records of the notes' data model, and of what flstr itself holds."""

from collections.abc import Collection
from ipaddress import IPv4Address
from typing import Literal

from pydantic import ConfigDict, Field

from model.app import App, Publish, ServiceEnv
from model.base import Frozen
from model.certificates import CertificateRecord
from model.names import (
    AppKind,
    AppName,
    CertificateHost,
    CommitHash,
    Encrypted,
    EnvPrefix,
    FloatingIpName,
    InstanceId,
    MeshName,
    NodeName,
    PoolName,
    Port,
    Role,
    ServiceInstanceId,
    UrlPath,
)
from model.service import Service

# The ports of a machine that instances are given.
INSTANCE_PORTS = range(20000, 30000)


class NodeRecord(Frozen):
    """`node/<name>`: a machine that has joined; `ip` is public, `addresses` are by mesh, and `overlay`."""

    name: NodeName
    ip: str
    services: tuple[str, ...]
    role: Role
    pool: str
    addresses: dict[str, str] = Field(default_factory=dict)


class HostRecord(Frozen):
    """`flstr/host/<node>`: a rented machine; `ip` and `server_id` are None until the cloud has answered."""

    node: NodeName
    host_key: str = Field(description="OpenSSH public host key, 'ssh-ed25519 AAAA…'")
    ip: str | None = None
    server_id: int | None = None


class Authority(Frozen):
    """`flstr/authority`: the private authority by which the controllers and the machines know each other at etcd."""

    certificate: str = Field(description="PEM")
    sealed_key: Encrypted = Field(description="PEM, encrypted by age to the cluster's own key")


class EtcdMember(Frozen):
    """`flstr/etcd/<node>`: a member of the cluster's etcd, which listens on the mesh of the controllers alone."""

    node: NodeName
    address: str = Field(description="In the mesh of the controllers")
    member_id: str = Field("", description="Hexadecimal, as etcd prints it; empty until etcd has said it")


class ControllerRecord(Frozen):
    """`flstr/controller/<node>`: a `flstr serve` that runs, with a lease."""

    node: NodeName
    version: str = Field(description="Digest of the archive that it was installed from; empty for a checkout")
    since: float


class Orphan(Frozen):
    """`flstr/orphan/<kind>-<id>`: what is in the cloud under the cluster's label, and registered nowhere."""

    kind: Literal["server", "floating_ip", "primary_ip", "volume", "placement_group"]
    id: int
    name: str
    since: float


class MeshMember(Frozen):
    """`flstr/mesh/<mesh>/member/<node>`: what the others must know; the private key never leaves the machine."""

    node: NodeName
    role: Role
    endpoint: str
    address: str
    port: Port | None = Field(None, description="Of its tincd; not known of members that joined before it was noted")
    public_key: str = Field(description="RSA, PEM")
    ed25519_public_key: str = Field("", description="Where the machine has tinc 1.1, in tinc's own base64")


class WireGuardEnd(Frozen):
    """flannel's `BackendData` of a lease, with flannel's names."""

    model_config = ConfigDict(extra="ignore")

    public_key: str = Field(alias="PublicKey", description="Base64 with padding")
    port: int = Field(51820, alias="Port")


class OverlayLease(Frozen):
    """`/coreos.com/network/subnets/<subnet>`, as flanneld writes and reads it; a node is known by its public address.

    Without an etcd lease on its key it is what flannel calls a reservation: held until somebody takes it away.
    """

    model_config = ConfigDict(extra="ignore")

    public_ip: str = Field(alias="PublicIP")
    public_ipv6: str | None = Field(None, alias="PublicIPv6")
    backend_type: str = Field("wireguard", alias="BackendType")
    backend_data: WireGuardEnd = Field(alias="BackendData")


class PortRecord(Frozen):
    """`flstr/port/<node>/<port>`: an instance that holds a port, from before it starts until it is gone."""

    kind: AppKind
    app: AppName
    instance: InstanceId


class MetaData(Frozen):
    """`backend|frontend|service/<name>/meta_data`."""

    publish: Publish
    env_prefix: EnvPrefix
    env: ServiceEnv


class InstanceRecord(Frozen):
    """`backend|frontend/<name>/instance/<id>`: an instance that serves."""

    node: NodeName
    ip: str
    port: Port
    commit: CommitHash


class IngressPublish(Frozen):
    """How a public address is offered."""

    port: Port
    ssl: bool = False
    host_name: CertificateHost
    hsts: bool = False


class IngressLocation(Frozen):
    """Which app answers under a path."""

    location: UrlPath
    type: AppKind
    name: AppName


class IngressRecord(Frozen):
    """`ingress/<host:port>`; every ingress serves it that is neither left out by `pool` nor by `nodes`."""

    publish: IngressPublish
    location: tuple[IngressLocation, ...]
    pool: PoolName | None = None
    nodes: tuple[NodeName, ...] = ()


class ServiceInstance(Frozen):
    """`service/<name>/instance/<id>`: an instance of a service that serves."""

    node: NodeName
    ip: str
    port: Port
    peer_port: Port | None = Field(None, description="Where the other instances reach it, if at a port of its own")


class ServiceRecord(Frozen):
    """`flstr/service/<name>`: what a service was last brought to; there is none of one that was registered by hand."""

    service: Service
    nodes: tuple[NodeName, ...] = Field(description="Where it is installed, those that it is leaving among them")
    leader: NodeName | None = Field(None, description="The machine whose instance leads, where flstr says which")
    restored: str | None = Field(None, description="The backup that was last put in the place of its data")
    silent: tuple[NodeName, ...] = Field((), description="Those of its machines that did not answer at that time")
    at: float = Field(0.0, description="When it was brought there, or restored, in seconds since 1970")
    digest: str = Field("", description="Of all that its playbook was told; empty until it has come to its end")
    source: str = Field("", description="Git's id of the folder of playbooks that it came from, for one that is there")


class RegisteredService(Frozen):
    """Everything registered of one service."""

    meta_data: MetaData | None = None
    instances: dict[ServiceInstanceId, ServiceInstance] = Field(default_factory=dict)
    record: ServiceRecord | None = None

    def serving(self) -> dict[ServiceInstanceId, ServiceInstance]:
        """The instances that get traffic: where one leads, that one alone."""
        leader = None if self.record is None else self.record.leader
        return {name: one for name, one in self.instances.items() if leader is None or one.node == leader}


class FloatingRecord(Frozen):
    """`flstr/floating_ip/<name>`: a rented address, and the ingress that holds it; None where nobody does yet."""

    ip: IPv4Address
    node: NodeName | None = None
    unsure: bool = Field(False, description="Whether the cloud may send it elsewhere: it was asked to, or seen to")


class Stable(Frozen):
    """`flstr/stable/<kind>/<app>`: the release that last served as a whole, to which a failed one gives way."""

    app: App
    spec: str
    revision: str = Field(description="Of the cluster repo, by which it came to serve")
    at: float
    before: CommitHash | None = Field(None, description="The commit that served before it")


class Quarantine(Frozen):
    """`flstr/quarantine/<kind>/<app>/<spec>`: a release that failed; it is not tried again by itself."""

    commit: CommitHash
    reason: str
    operation: str
    at: float


class RegisteredApp(Frozen):
    """Everything registered of one app."""

    meta_data: MetaData | None = None
    instances: dict[InstanceId, InstanceRecord] = Field(default_factory=dict)
    stable: Stable | None = None
    quarantine: dict[str, Quarantine] = Field(default_factory=dict, description="By spec")


class Registered(Frozen):
    """The registered tree, as read from etcd at one revision."""

    nodes: dict[NodeName, NodeRecord] = Field(default_factory=dict)
    hosts: dict[NodeName, HostRecord] = Field(default_factory=dict)
    apps: dict[tuple[AppKind, AppName], RegisteredApp] = Field(default_factory=dict)
    services: dict[AppName, RegisteredService] = Field(default_factory=dict)
    ingress: dict[str, IngressRecord] = Field(default_factory=dict)
    certificates: dict[CertificateHost, CertificateRecord] = Field(default_factory=dict)
    due: dict[CertificateHost, str] = Field(default_factory=dict, description="Certificates to be got now, and why")
    names: dict[CertificateHost, tuple[str, ...]] = Field(
        default_factory=dict, description="DNS names that flstr made, and the addresses they lead to"
    )
    left_names: dict[CertificateHost, str] = Field(
        default_factory=dict, description="Those of them that somebody else's records are in the way of, and why"
    )
    floating_ips: dict[FloatingIpName, FloatingRecord] = Field(default_factory=dict)
    floated: dict[NodeName, tuple[str, ...]] = Field(
        default_factory=dict, description="The floating IPs that a machine was last told to answer at"
    )
    unreachable: dict[NodeName, float] = Field(
        default_factory=dict, description="Ingresses whose public side does not answer, and since when"
    )
    certified: dict[NodeName, dict[CertificateHost, str]] = Field(
        default_factory=dict, description="The serial numbers of the certificates that an ingress was last given"
    )
    ports: dict[tuple[NodeName, int], PortRecord] = Field(default_factory=dict)
    routed: dict[NodeName, str] = Field(default_factory=dict)
    members: dict[MeshName, dict[NodeName, MeshMember]] = Field(default_factory=dict)
    meshed: dict[NodeName, str] = Field(default_factory=dict)
    leases: dict[str, OverlayLease] = Field(default_factory=dict, description="By subnet, such as 10.5.40.0/24")
    overlaid: dict[NodeName, str] = Field(default_factory=dict)
    walled: dict[NodeName, str] = Field(default_factory=dict)
    dead: dict[NodeName, float] = Field(default_factory=dict, description="Machines given up, and since when silent")
    not_ready: dict[NodeName, float] = Field(
        default_factory=dict, description="Silent machines that get no traffic, given up or not yet, and since when"
    )
    etcd_members: dict[NodeName, EtcdMember] = Field(
        default_factory=dict, description="Controllers that carry the cluster's etcd; none where that runs elsewhere"
    )
    authority: str = Field("", description="Certificate (PEM) of the authority by which machines are known at etcd")
    installed: dict[NodeName, str] = Field(default_factory=dict, description="The version of flstr on a controller")
    enrolled: dict[NodeName, str] = Field(default_factory=dict)
    orphans: dict[str, Orphan] = Field(default_factory=dict, description="By kind and id, such as server-42")

    def silent(self) -> frozenset[NodeName]:
        """The machines that are NotReady, and those given up."""
        return frozenset(self.not_ready) | frozenset(self.dead)

    def without_nodes(self, nodes: Collection[NodeName]) -> "Registered":
        """The tree once these machines have left."""
        staying = {name: node for name, node in self.nodes.items() if name not in nodes}
        return self.model_copy(update={"nodes": staying})

    def without(self, networks: Collection[str]) -> "Registered":
        """The tree once no machine has an address in these networks any more."""
        nodes = {
            name: node.model_copy(
                update={"addresses": {name: at for name, at in node.addresses.items() if name not in networks}}
            )
            for name, node in self.nodes.items()
        }
        return self.model_copy(update={"nodes": nodes})
