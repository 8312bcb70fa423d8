"""What the lists of drained machines and of names that a pool is without must agree on with the pools. Pure."""

from collections.abc import Iterator

from gitops.manifests import Document, Fault
from model.cluster import Cluster
from model.names import NodeName, node_name


def drain_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """A drained machine is a worker of a pool."""
    nodes = cluster.nodes()
    for number, node in enumerate(cluster.drained):
        line = document.line(("drained", number))
        if node not in nodes:
            yield Fault(document.path, line, f"{node} is drained and in no pool; take it out of the list")
        elif nodes[node].role != "worker":
            sentence = f"{node} has the role {nodes[node].role} and runs no instances; only workers are drained"
            yield Fault(document.path, line, sentence)


def without_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """A pool is without names that it would count otherwise."""
    for name, pool in cluster.pools.items():
        for number, node in enumerate(pool.without):
            digits = node.removeprefix(name)
            if not digits.isdecimal() or node != node_name(name, int(digits)) or int(digits) < pool.first:
                line = document.line(("pools", name, "without", number))
                sentence = f"{node} is no name of the pool {name}, which counts from {node_name(name, pool.first)}"
                yield Fault(document.path, line, sentence)


def undrained_workers(cluster: Cluster) -> list[NodeName]:
    """The workers that may run instances."""
    workers = [node for node, pool in cluster.nodes().items() if pool.role == "worker"]
    return [node for node in workers if node not in cluster.drained]
