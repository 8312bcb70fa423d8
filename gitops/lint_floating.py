"""What floating IPs must agree on with the pools. Pure."""

from collections.abc import Iterator

from gitops.manifests import Document, Fault
from model.cluster import Cluster


def floating_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """A floating IP is held by ingresses that there are."""
    ingresses = {node for node, pool in cluster.nodes().items() if pool.role == "ingress"}
    for name, wanted in cluster.floating_ips.items():
        where = ("floating_ips", name)
        pool = None if wanted.pool is None else cluster.pools.get(wanted.pool)
        if wanted.pool is not None and (pool is None or pool.role != "ingress"):
            sentence = f"floating IP {name}: {wanted.pool} is no pool of role ingress; name one that is"
            yield Fault(document.path, document.line((*where, "pool")), sentence)
        elif not ingresses:
            sentence = f"floating IP {name} has no ingress to hold it; add a pool of role ingress"
            yield Fault(document.path, document.line(where), sentence)
        for number, node in enumerate(wanted.nodes):
            if node not in ingresses:
                sentence = f"floating IP {name}: {node} is no ingress of any pool; take it out of the list"
                yield Fault(document.path, document.line((*where, "nodes", number)), sentence)
