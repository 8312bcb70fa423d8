"""Which machines are looked at, and by which script. Pure."""

from collections.abc import Collection, Mapping

from executors.doctor.leases import leases_by_node
from executors.mesh_files import Place, places
from executors.overlay_files import OVERLAY_DEVICE, address_of, driver_unit
from executors.templates import render
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY, Overlay
from model.registered import Registered

LOG_LINES = 400
PING_SECONDS = 2
# In a mesh, whose tincd cuts what is too large for its way: with its headers it fits wherever IPv6 would.
LARGE_PING = 1200


def known_nodes(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """Machines that have joined, or hold a place in a mesh already."""
    members = {node for mesh in cluster.meshes for node in registered.members.get(mesh, {})}
    return tuple(sorted(members | registered.nodes.keys()))


def concerned(node: NodeName, cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """A machine and the other ends that it talks to."""
    others = {peer.node for place in places(node, cluster, registered.members) for peer in place.peers}
    leases = leases_by_node(cluster, registered)
    return tuple(sorted({node} | others | (leases.keys() if node in leases else set())))


def look_scripts(
    nodes: Collection[NodeName], focus: NodeName | None, cluster: Cluster, registered: Registered
) -> Mapping[NodeName, str]:
    """A script for each machine; with `focus`, only tunnels that end there are tried."""
    leases = leases_by_node(cluster, registered)
    addresses = {node: address_of(subnet) for node, (subnet, _) in leases.items()}
    scripts = {}
    for node in nodes:
        of_node = places(node, cluster, registered.members)
        reaches = [(place.name, peer.node, peer.address) for place in of_node for peer in place.peers]
        if node in addresses:
            reaches += [(OVERLAY, other, address) for other, address in addresses.items() if other != node]
        wanted = [reach for reach in reaches if reach[1] in nodes and (focus is None or focus in (node, reach[1]))]
        with_overlay = node in leases or _should_have_overlay(node, cluster)
        scripts[node] = look_script(of_node, wanted, cluster.overlay if with_overlay else None)
    return scripts


def look_script(
    of_node: tuple[Place, ...], reaches: Collection[tuple[str, NodeName, str]], overlay: Overlay | None
) -> str:
    """Prints what `facts.parse` reads, and changes nothing."""
    return render(
        "doctor/look.sh.j2",
        places=of_node,
        reaches=reaches,
        overlay=overlay,
        overlay_name=OVERLAY,
        driver_unit=driver_unit(overlay) if overlay else "",
        device=OVERLAY_DEVICE,
        log_lines=LOG_LINES,
        ping_seconds=PING_SECONDS,
        large=LARGE_PING,
    )


def _should_have_overlay(node: NodeName, cluster: Cluster) -> bool:
    pool = cluster.nodes().get(node)
    return pool is not None and cluster.has_overlay(pool.role)
