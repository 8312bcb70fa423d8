"""What was seen on all machines, against what is registered, becomes findings. Pure."""

from collections.abc import Callable, Mapping

from executors.doctor.facts import Facts, MeshFacts
from executors.doctor.findings import Finding
from executors.doctor.links import Ends, of_links
from executors.doctor.machine import carries, of_clocks, of_machine, runs
from executors.doctor.overlay import of_overlay
from executors.mesh_files import Place, places
from gitops.enrolment import living_by_themselves
from gitops.liveness import NODE_UNIT
from model.cluster import Cluster
from model.names import NodeName
from model.registered import Registered


def diagnose(
    cluster: Cluster, registered: Registered, seen: Mapping[NodeName, Facts], silent: Mapping[NodeName, str]
) -> list[Finding]:
    """Every finding once, at the machine that is at fault. `silent` machines did not answer; it says why."""
    found = [
        Finding("error", node, f"{node} cannot be looked at ({reason})", "see whether it is up in the Hetzner console")
        for node, reason in silent.items()
    ]
    speaking = living_by_themselves(registered)
    of_nodes = {node: places(node, cluster, registered.members) for node in (*seen, *silent)}
    for node, facts in seen.items():
        found += of_machine(node, of_nodes[node], facts)
    found += [_not_registering(node) for node in seen if node in registered.not_ready and node in speaking]
    found += of_clocks(seen)
    for mesh in sorted(cluster.meshes):
        in_mesh = {node: place for node, of_node in of_nodes.items() for place in of_node if place.name == mesh}
        down = {node for node, place in in_mesh.items() if not _is(runs, place, seen.get(node))}
        cut = {node for node, place in in_mesh.items() if not _is(carries, place, seen.get(node))}
        found += of_links(Ends(mesh, in_mesh, seen, down, cut))
    found += of_overlay(cluster, registered, seen, frozenset(silent))
    return list(dict.fromkeys(found))


def tunnel_count(seen: Mapping[NodeName, Facts]) -> int:
    """How many tunnels were looked at, from one end at least."""
    return len({(network, frozenset({node, about})) for node, facts in seen.items() for network, about in facts.reach})


def _not_registering(node: NodeName) -> Finding:
    text = f"{node} can be logged in to, but does not register itself at etcd, and so it is NotReady"
    return Finding("error", node, text, f"`systemctl status {NODE_UNIT}` there says why")


def _is(good: Callable[[Place, MeshFacts], bool], place: Place, facts: Facts | None) -> bool:
    return facts is not None and place.name in facts.meshes and good(place, facts.meshes[place.name])
