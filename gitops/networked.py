"""Whether the meshes and the overlay of every machine are what is registered. Pure."""

import hashlib
from collections.abc import Iterable, Mapping

from model.cluster import Cluster
from model.names import MeshName, NodeName
from model.networks import OVERLAY
from model.registered import MeshMember, OverlayLease, Registered

Members = Mapping[MeshName, Mapping[NodeName, MeshMember]]


def mesh_digest(node: NodeName, cluster: Cluster, members: Members) -> str:
    """Sixteen digits that change with anything that a machine's mesh files are made from."""
    parts = []
    for name, mesh in sorted(cluster.meshes.items()):
        of_mesh = members.get(name, {})
        if node not in of_mesh:
            continue
        is_hub = of_mesh[node].role in mesh.hubs
        seen = [other for other in of_mesh.values() if is_hub or other.role in mesh.hubs or other.node == node]
        parts += [f"{name} {mesh.to_json()}", *sorted(member.to_json() for member in seen)]
    return _digest(parts)


def overlay_digest(cluster: Cluster, leases: Mapping[str, OverlayLease]) -> str:
    """The same for the overlay, whose peers are the same on every machine."""
    config = "" if cluster.overlay is None else cluster.overlay.to_json()
    return _digest([config, *(f"{subnet} {lease.to_json()}" for subnet, lease in sorted(leases.items()))])


def wrongly_meshed(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """Wanted machines whose meshes were last brought to something else, or never to anything; no dead ones."""
    wanted, alive = cluster.nodes(), registered.nodes.keys() - registered.dead.keys()
    inside = [name for name, pool in sorted(wanted.items()) if name in alive and cluster.meshes_of(pool.role)]
    noted, members = registered.meshed, registered.members
    return tuple(node for node in inside if noted.get(node) != mesh_digest(node, cluster, members))


def wrongly_overlaid(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """Machines of the overlay whose peers were last brought to something else; no dead ones."""
    digest = overlay_digest(cluster, registered.leases)
    alive = [node for node in overlay_nodes(cluster, registered) if node not in registered.dead]
    return tuple(node for node in alive if registered.overlaid.get(node) != digest)


def overlay_nodes(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """Registered machines whose role has a subnet of the overlay."""
    return tuple(name for name, node in sorted(registered.nodes.items()) if cluster.has_overlay(node.role))


def without_subnet(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """Those among them that are not in the overlay yet, or hold no subnet of it any more."""
    held = {lease.public_ip for lease in registered.leases.values()}
    return tuple(
        node
        for node in overlay_nodes(cluster, registered)
        if OVERLAY not in registered.nodes[node].addresses or registered.nodes[node].ip not in held
    )


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
