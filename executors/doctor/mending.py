"""The safe mends: flstr's own files written again, and its networks started, by the scripts of joins. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from executors.doctor.findings import Finding
from executors.firewall import firewall_of
from executors.mesh_files import mesh_script, places, tunnels
from executors.overlay_files import overlay_script, place_of
from executors.script import STATE_FOLDER
from executors.templates import quote
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY
from model.registered import Registered


def writing(found: Iterable[Finding], cluster: Cluster, registered: Registered) -> Mapping[NodeName, str]:
    """For each machine at fault: its files and daemons brought to what is registered."""
    wanted = _mendable(found, of_overlay=False)
    nodes = {node for one in wanted for node in one.mends}
    return {node: _mesh_script(node, wanted, cluster, registered, ()) for node in sorted(nodes)}


def connecting(
    found: Iterable[Finding], up: Iterable[NodeName], cluster: Cluster, registered: Registered
) -> Mapping[NodeName, str]:
    """For both ends of what was mended: connections tried at once, and tunnels waited for."""
    wanted = _mendable(found, of_overlay=False)
    nodes = {node for one in wanted for node in (one.node, one.about) if node}
    alive = frozenset(up)
    return {node: _mesh_script(node, wanted, cluster, registered, alive) for node in sorted(nodes & alive)}


def overlaying(
    found: Iterable[Finding], up: Collection[NodeName], cluster: Cluster, registered: Registered
) -> Mapping[NodeName, str]:
    """For each machine at fault: its overlay brought to the leases, and the others waited for."""
    wanted = _mendable(found, of_overlay=True)
    scripts = {}
    for node in sorted({node for one in wanted for node in one.mends}):
        if cluster.overlay is None or node not in registered.nodes:
            continue
        of_node = place_of(node, cluster.overlay, registered)
        if of_node.subnet is not None or cluster.overlay.driver == "flanneld":
            others = [one for one in of_node.names if one.node in up and one.node != node]
            marks = [mark for one in wanted if node in one.mends for mark in one.tend]
            script = overlay_script(of_node, others, firewall_of(node, cluster, registered))
            scripts[node] = _marked(marks, script)
    return scripts


def _mendable(found: Iterable[Finding], of_overlay: bool) -> list[Finding]:
    return [one for one in found if one.mends and (one.mesh == OVERLAY) is of_overlay]


def _mesh_script(
    node: NodeName, found: Sequence[Finding], cluster: Cluster, registered: Registered, await_from: Collection[NodeName]
) -> str:
    """The files may be right already and the daemon behind them: so it reads them again in any case, and does not
    wait, of up to 15 minutes, before it tries to connect."""
    of_node = places(node, cluster, registered.members)
    marks = [f"reload-tinc@{one.mesh}" for one in found if node in {one.node, one.about, *one.mends}]
    if not await_from:
        marks += [mark for one in found if node in one.mends for mark in one.tend]
    firewall = firewall_of(node, cluster, registered)
    return _marked(marks, mesh_script(of_node, tunnels(of_node, await_from), firewall=firewall))


def _marked(marks: Iterable[str], script: str) -> str:
    """The script, to which what is marked has changed and has to begin anew."""
    marking = [f"echo changed >{quote(f'{STATE_FOLDER}/pending/{mark}')}" for mark in sorted(set(marks))]
    return "\n".join([*marking, script])
