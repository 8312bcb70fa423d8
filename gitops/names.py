"""Where the DNS names of machines and public hosts should lead. Pure."""

from gitops.bindings import bound_nodes, serving_nodes, silent
from model.cluster import Cluster
from model.registered import IngressRecord, Registered


def wanted_names(cluster: Cluster, registered: Registered) -> dict[str, tuple[str, ...]]:
    """The addresses of every name that flstr is to make, in order; none where the manifest has no `dns`."""
    if cluster.dns is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    if cluster.dns.nodes is not None:
        found |= {f"{name}.{cluster.dns.nodes}": (node.ip,) for name, node in sorted(registered.nodes.items())}
    if cluster.dns.hosts:
        for record in registered.ingress.values():
            host = record.publish.host_name
            addresses = (*found.get(host, ()), *_public_addresses(record, cluster, registered))
            if addresses:
                found[host] = tuple(sorted(set(addresses)))
    return dict(sorted(found.items()))


def _public_addresses(record: IngressRecord, cluster: Cluster, registered: Registered) -> tuple[str, ...]:
    """The floating IPs that only ingresses of this address may hold; where there are none, the ingresses' own."""
    serving = serving_nodes(record, registered)
    floating = [
        str(registered.floating_ips[name].ip)
        for name, wanted in cluster.floating_ips.items()
        if name in registered.floating_ips
        and registered.floating_ips[name].node is not None
        and (holders := bound_nodes(wanted.pool, wanted.nodes, registered))
        and set(holders) <= set(serving)
    ]
    alive = [node for node in serving if not silent(node, registered)]
    return tuple(floating) or tuple(registered.nodes[node].ip for node in alive or serving)
