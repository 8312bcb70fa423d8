"""Clusters whose machines have all joined, and what a doctor saw there."""

from collections.abc import Collection, Mapping
from itertools import combinations

from executors.doctor.check import Seen
from executors.doctor.facts import Facts, Reach
from executors.doctor.findings import Finding
from executors.mesh_files import places
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY
from model.registered import NodeRecord, Registered
from tests.executors.clusters import cluster, members

WELL = Reach(1.5)
LOST = Reach(None)

Lost = Collection[tuple[str, NodeName, NodeName]]


def joined(of: Cluster) -> Registered:
    """What is registered once every machine is in its networks."""
    nodes = {
        name: NodeRecord(name=name, ip=f"198.51.100.{number}", services=(), role=pool.role, pool="any")
        for number, (name, pool) in enumerate(of.nodes().items(), start=1)
    }
    return Registered(nodes=nodes, members=members(of))


def seen(
    of: Cluster, silent: Collection[NodeName] = (), lost: Lost = (), found: Collection[Finding] = (), ping: Reach = WELL
) -> Seen:
    """Every machine reaches every one that it talks to, but for the silent ones and the `lost` ways."""
    tree = joined(of)
    pairs = {
        (place.name, node, peer.node)
        for node in tree.nodes
        for place in places(node, of, tree.members)
        for peer in place.peers
    }
    inside = [node for node, record in tree.nodes.items() if of.has_overlay(record.role)]
    pairs |= {(OVERLAY, *pair) for ends in combinations(inside, 2) for pair in (ends, ends[::-1])}
    reach: Mapping[NodeName, dict[tuple[str, NodeName], Reach]] = {node: {} for node in tree.nodes}
    for network, near, far in pairs:
        reach[near][network, far] = LOST if far in silent or (network, near, far) in lost else ping
    machines = {node: Facts(True, frozenset(), {}, reach[node]) for node in tree.nodes if node not in silent}
    return Seen(machines, dict.fromkeys(silent, "no answer"), list(found))


def of_many(workers: int, hubs: int = 2) -> Cluster:
    """A cluster with one mesh and an overlay."""
    text = {
        "cluster": "many",
        "pools": {
            "controller": {"role": "controller", "count": hubs, "first": 1},
            "worker": {"role": "worker", "count": workers},
        },
        "meshes": {"vpn_ctrl": {"subnet": "10.110.0.0/24", "port": 760, "hubs": ["controller"], "members": ["worker"]}},
        "overlay": {"network": "10.5.0.0/16"},
    }
    return Cluster.model_validate(text)


SMALL, OVERLAID, TWO_HUBS = cluster("small"), cluster("each-role"), cluster("two-hubs")
