"""The networks between machines, and the addresses and names by which the public comes in."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from model.base import Frozen
from model.names import CloudLocation, DownloadUrl, EtcdUrl, Form, HostName, NodeName, PoolName, Port, Role, Sha256

# The name of the overlay beside those of the meshes, which therefore cannot have it.
OVERLAY = "overlay"


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
