"""Which ingresses serve a public address, and which may hold a floating IP. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Address

from model.names import CertificateHost, NodeName, PoolName
from model.registered import IngressRecord, Registered


def ingress_nodes(registered: Registered) -> tuple[NodeName, ...]:
    """The machines that run nginx."""
    return tuple(name for name, node in sorted(registered.nodes.items()) if node.role == "ingress")


def bound_nodes(pool: PoolName | None, nodes: Sequence[NodeName], registered: Registered) -> tuple[NodeName, ...]:
    """The ingresses of a pool, or those that are named, or all of them; those that are registered."""
    every = ingress_nodes(registered)
    if nodes:
        return tuple(node for node in nodes if node in every)
    return every if pool is None else tuple(node for node in every if registered.nodes[node].pool == pool)


def silent(node: NodeName, registered: Registered) -> bool:
    """Whether a machine is given up, or its public side does not answer."""
    return node in registered.dead or node in registered.unreachable


def serving_nodes(record: IngressRecord, registered: Registered) -> tuple[NodeName, ...]:
    """The ingresses that serve a public address: those it is bound to, and those its name still leads to."""
    bound = set(bound_nodes(record.pool, record.nodes, registered))
    leads_to = frozenset(registered.names.get(record.publish.host_name, ()))
    return tuple(
        node
        for node in ingress_nodes(registered)
        if node in bound or not leads_to.isdisjoint(addresses_of(node, registered))
    )


def addresses_of(node: NodeName, registered: Registered) -> frozenset[str]:
    """Where a machine answers the public: at its own address, and at the floating IPs that it holds."""
    return frozenset({registered.nodes[node].ip, *map(str, held_by(node, registered))})


def held_by(node: NodeName, registered: Registered) -> frozenset[IPv4Address]:
    """The floating IPs that a machine holds."""
    return frozenset(record.ip for record in registered.floating_ips.values() if record.node == node)


def left_by(host: CertificateHost, registered: Registered) -> tuple[NodeName, ...]:
    """The ingresses that serve a host only until its name leads there no more."""
    records = [record for record in registered.ingress.values() if record.publish.host_name == host]
    bound = {node for record in records for node in bound_nodes(record.pool, record.nodes, registered)}
    return tuple(dict.fromkeys(n for record in records for n in serving_nodes(record, registered) if n not in bound))


def answering_nodes(record: IngressRecord, registered: Registered) -> tuple[NodeName, ...]:
    """Those of them that answer the public; where none does, those that are not given up."""
    serving = serving_nodes(record, registered)
    answering = tuple(node for node in serving if not silent(node, registered))
    return answering or tuple(node for node in serving if node not in registered.dead)


def served_by(node: NodeName, registered: Registered) -> tuple[IngressRecord, ...]:
    """The public addresses that a machine serves, in order; none where it is no ingress."""
    found = registered.nodes.get(node)
    if found is None or found.role != "ingress":
        return ()
    return tuple(
        record for _, record in sorted(registered.ingress.items()) if node in serving_nodes(record, registered)
    )
