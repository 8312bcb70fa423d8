"""Where the DNS names of machines and public hosts should lead. Pure."""

from collections.abc import Iterator

from gitops.bindings import addresses_of, bound_nodes, silent
from gitops.routed import serves_publicly
from model.cluster import Cluster
from model.names import CertificateHost, NodeName
from model.registered import IngressRecord, Registered


def wanted_names(cluster: Cluster, registered: Registered) -> dict[str, tuple[str, ...]]:
    """The addresses of every name that flstr is to make, in order; none where the manifest has no `dns`,
    or the cluster is to end."""
    if cluster.dns is None or cluster.dissolved:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    if cluster.dns.nodes is not None:
        found |= {f"{name}.{cluster.dns.nodes}": (node.ip,) for name, node in sorted(registered.nodes.items())}
    if cluster.dns.hosts:
        for host in {record.publish.host_name for record in registered.ingress.values()}:
            addresses = _public_addresses(host, cluster, registered)
            if addresses:
                found[host] = addresses
    return dict(sorted(found.items()))


def _public_addresses(host: CertificateHost, cluster: Cluster, registered: Registered) -> tuple[str, ...]:
    """Where a host is served.

    Nobody is led to an ingress before it serves the host, and nobody away from the others before one does.
    """
    records = (record for record in registered.ingress.values() if record.publish.host_name == host)
    holders = dict(pair for record in records for pair in _offered(record, cluster, registered))
    leads_to = frozenset(registered.names.get(host, ()))
    ready = {address for address, node in holders.items() if address in leads_to or serves_publicly(node, registered)}
    if not ready and leads_to:
        ours = {address for node in registered.nodes for address in addresses_of(node, registered)}
        ready = (ours & leads_to) or set(holders)
    return tuple(sorted(ready))


def _offered(record: IngressRecord, cluster: Cluster, registered: Registered) -> Iterator[tuple[str, NodeName]]:
    """The floating IPs that only ingresses of this address may hold, each with who has it; where there are none, the
    ingresses' own."""
    bound = bound_nodes(record.pool, record.nodes, registered)
    floating = [
        (str(registered.floating_ips[name].ip), holder)
        for name, wanted in cluster.floating_ips.items()
        if name in registered.floating_ips
        and (holder := registered.floating_ips[name].node) is not None
        and (allowed := bound_nodes(wanted.pool, wanted.nodes, registered))
        and set(allowed) <= set(bound)
    ]
    alive = [node for node in bound if not silent(node, registered)]
    yield from floating or ((registered.nodes[node].ip, node) for node in alive or bound)
