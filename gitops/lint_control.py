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
    return [Fault(CLUSTER_FILE, line, of_an_even_number(count))]


def of_an_even_number(count: int) -> str:
    """Why so many controllers are one too many."""
    return f"{count} controllers endure no more losses than {count - 1}; take an odd number"
