"""What the meshes and the overlay of a `cluster.yaml` must agree on with each other. Pure."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from gitops.manifests import Document, Fault
from model.cluster import Cluster
from model.names import MeshName, Role
from model.networks import OVERLAY, Overlay
from model.registered import INSTANCE_PORTS

WEB_PORTS = frozenset({80, 443})
# Ports that a node uses itself: sshd, nginx, etcd.
OWN_PORTS = frozenset({22, 2379, 2380}) | WEB_PORTS
# A mesh gives its name to a zone of firewalld and to an interface, where these are taken.
_ZONES = ("block", "dmz", "drop", "external", "home", "internal", "public", "trusted", "work")
TAKEN_NAMES = frozenset((*_ZONES, "lo", "all", "default", OVERLAY))
# Interfaces that a machine has already, as Linux and systemd name them.
_TAKEN_DEVICE = re.compile(r"(eth|eno|ens|enp|enx)[0-9][0-9a-z]*")
# Addresses that no machine out there has; the rest of those is kept for loopback, for the cloud itself, and the like.
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))

Where = tuple[str | int, ...]


def network_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """Everything that is wrong between the networks, and between them and the pools."""
    if cluster.overlay is None and "overlay" in document.data:
        sentence = "overlay holds nothing, so there would be none; write its network, or take the line out"
        yield Fault(document.path, document.line(("overlay",)), sentence)
    for rule in (_names, _hubs, _ports, _private, _overlaps, _room):
        for where, sentence in rule(cluster):
            yield Fault(document.path, document.line(where), sentence)


def _names(cluster: Cluster) -> Iterator[tuple[Where, str]]:
    for name in cluster.meshes:
        if name in TAKEN_NAMES or _TAKEN_DEVICE.fullmatch(name):
            yield ("meshes", name), f"a mesh cannot be called {name}, which means something else on a node; rename it"


def _hubs(cluster: Cluster) -> Iterator[tuple[Where, str]]:
    """Members know their hubs only: without one each of them would be alone."""
    for name, mesh in cluster.meshes.items():
        if _wanted(cluster, mesh.members) and not _wanted(cluster, mesh.hubs):
            roles = " or ".join(dict.fromkeys(mesh.hubs))
            sentence = f"mesh {name} has no hub, because there is no machine of role {roles}; add one, or change hubs"
            yield ("meshes", name, "hubs"), sentence


def _ports(cluster: Cluster) -> Iterator[tuple[Where, str]]:
    taken: dict[int, MeshName] = {}
    for name, mesh in cluster.meshes.items():
        where = ("meshes", name, "port")
        if mesh.port in OWN_PORTS or mesh.port in INSTANCE_PORTS:
            yield where, f"port {mesh.port} is used by the nodes themselves; give mesh {name} another"
        if mesh.port in taken:
            yield where, f"meshes {taken[mesh.port]} and {name} both use port {mesh.port}; give one another"
        taken.setdefault(mesh.port, name)
    # WireGuard has UDP alone: of all that listens on a node, only tincd does so as well.
    if cluster.overlay is not None and cluster.overlay.port in taken:
        port = cluster.overlay.port
        yield ("overlay", "port"), f"mesh {taken[port]} and the overlay both use port {port}; give one another"


def _private(cluster: Cluster) -> Iterator[tuple[Where, str]]:
    for words, where, network in _networks(cluster):
        if not any(network.subnet_of(private) for private in PRIVATE):
            kept = ", ".join(map(str, PRIVATE))
            yield where, f"{network} of {words} is not private, and would hide others; take it from {kept}"


def _overlaps(cluster: Cluster) -> Iterator[tuple[Where, str]]:
    seen: list[tuple[str, IPv4Network]] = []
    for words, where, network in _networks(cluster):
        for other_words, other in seen:
            if network.overlaps(other):
                yield where, f"{network} of {words} overlaps with {other} of {other_words}; give one another"
        seen.append((words, network))


def _networks(cluster: Cluster) -> Iterator[tuple[str, Where, IPv4Network]]:
    for name, mesh in cluster.meshes.items():
        yield f"mesh {name}", ("meshes", name, "subnet"), mesh.subnet
    if cluster.overlay is not None:
        yield "the overlay", ("overlay", "network"), cluster.overlay.network


def _room(cluster: Cluster) -> Iterator[tuple[Where, str]]:
    for name, mesh in cluster.meshes.items():
        wanted, room = _wanted(cluster, mesh.roles()), mesh.subnet.num_addresses - 2
        if wanted > room:
            sentence = f"mesh {name} has {room} addresses for {wanted} machines; give it a larger subnet"
            yield ("meshes", name, "subnet"), sentence
    if cluster.overlay is not None:
        yield from _room_of(cluster.overlay, _wanted(cluster, cluster.overlay.members))


def _room_of(overlay: Overlay, wanted: int) -> Iterator[tuple[Where, str]]:
    if wanted > overlay.room():
        sentence = f"the overlay {overlay.network} has {overlay.room()} subnets of length {overlay.subnet_length}"
        yield ("overlay", "network"), f"{sentence} for {wanted} machines; give it a larger network or a greater length"


def _wanted(cluster: Cluster, roles: frozenset[Role] | tuple[Role, ...]) -> int:
    return sum(pool.count for pool in cluster.pools.values() if pool.role in roles)
