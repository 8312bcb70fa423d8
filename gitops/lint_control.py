"""How many controllers a cluster has. Pure."""

from collections.abc import Mapping

from gitops.manifests import CLUSTER_FILE, Fault, Manifests, parse


def controller_warnings(files: Mapping[str, str], manifests: Manifests) -> list[Fault]:
    """An even number of controllers, which carry etcd, endures no more losses than one controller less."""
    pools = {name: pool for name, pool in manifests.cluster.pools.items() if pool.role == "controller"}
    count = sum(pool.count for pool in pools.values())
    if count == 0 or count % 2:
        return []
    line = parse(CLUSTER_FILE, files[CLUSTER_FILE]).line(("pools", next(iter(pools)), "count"))
    sentence = f"{count} controllers endure the loss of {(count - 1) // 2}, as {count - 1} do; take an odd number"
    return [Fault(CLUSTER_FILE, line, sentence)]
