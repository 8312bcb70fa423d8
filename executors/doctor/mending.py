"""The safe mends: flstr's own files written again, and its daemons started, by the script that joins machines. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from executors.doctor.findings import Finding
from executors.firewall import firewall_of
from executors.mesh_files import mesh_script, places, tunnels
from executors.script import STATE_FOLDER
from executors.templates import quote
from model.cluster import Cluster
from model.names import NodeName
from model.registered import Registered


def writing(found: Iterable[Finding], cluster: Cluster, registered: Registered) -> Mapping[NodeName, str]:
    """For each machine at fault: its files and daemons brought to what is registered."""
    wanted = [one for one in found if one.mends]
    nodes = {node for one in wanted for node in one.mends}
    return {node: _script(node, wanted, cluster, registered, ()) for node in sorted(nodes)}


def connecting(
    found: Iterable[Finding], up: Iterable[NodeName], cluster: Cluster, registered: Registered
) -> Mapping[NodeName, str]:
    """For both ends of what was mended: connections tried at once, and tunnels waited for."""
    wanted = [one for one in found if one.mends]
    nodes = {node for one in wanted for node in (one.node, one.about) if node}
    alive = frozenset(up)
    return {node: _script(node, wanted, cluster, registered, alive) for node in sorted(nodes & alive)}


def _script(
    node: NodeName, found: Sequence[Finding], cluster: Cluster, registered: Registered, await_from: Collection[NodeName]
) -> str:
    """The files may be right already and the daemon behind them: so it reads them again in any case, and does not
    wait, of up to 15 minutes, before it tries to connect."""
    of_node = places(node, cluster, registered.members)
    marks = [f"reload-tinc@{one.mesh}" for one in found if node in {one.node, one.about, *one.mends}]
    if not await_from:
        marks += [mark for one in found if node in one.mends for mark in one.tend]
    marking = [f": >{quote(f'{STATE_FOLDER}/pending/{mark}')}" for mark in sorted(set(marks))]
    firewall = firewall_of(node, cluster, registered)
    return "\n".join([*marking, mesh_script(of_node, tunnels(of_node, await_from), firewall=firewall)])
