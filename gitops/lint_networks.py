"""What the meshes and the overlay of a `cluster.yaml` must agree on with each other. Pure."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from gitops.manifests import Document, Fault
from model.cluster import OVERLAY, Cluster, Overlay
from model.names import MeshName, Role
from model.registered import INSTANCE_PORTS

WEB_PORTS = frozenset({80, 443})
# Ports that a node uses itself: sshd, nginx, etcd.
OWN_PORTS = frozenset({22, 2379, 2380}) | WEB_PORTS
# A mesh gives its name to an interface and to a zone of firewalld, where these are taken.
TAKEN_NAMES = frozenset(
    ("block", "dmz", "drop", "external", "home", "internal", "public", "trusted", "work", "lo", "eth0", OVERLAY)
)

Where = tuple[str | int, ...]


def network_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """Everything that is wrong between the networks, and between them and the pools."""
    for where, sentence in (*_names(cluster), *_ports(cluster), *_overlaps(cluster), *_room(cluster)):
        yield Fault(document.path, document.line(where), sentence)


def _names(cluster: Cluster) -> Iterator[tuple[Where, str]]:
    for name in cluster.meshes:
        if name in TAKEN_NAMES:
            yield ("meshes", name), f"a mesh cannot be called {name}, which means something else on a node; rename it"


def _ports(cluster: Cluster) -> Iterator[tuple[Where, str]]:
    taken: dict[int, MeshName] = {}
    for name, mesh in cluster.meshes.items():
        where = ("meshes", name, "port")
        if mesh.port in OWN_PORTS or mesh.port in INSTANCE_PORTS:
            yield where, f"port {mesh.port} is used by the nodes themselves; give mesh {name} another"
        if mesh.port in taken:
            yield where, f"meshes {taken[mesh.port]} and {name} both use port {mesh.port}; give one another"
        taken.setdefault(mesh.port, name)
    if cluster.overlay is not None and cluster.overlay.port in taken:
        port = cluster.overlay.port
        yield ("overlay", "port"), f"mesh {taken[port]} and the overlay both use port {port}; give one another"


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
