"""Which ingresses serve a public address, and which may hold a floating IP. Pure."""

from collections.abc import Sequence

from model.names import NodeName, PoolName
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
    """The ingresses that serve a public address."""
    return bound_nodes(record.pool, record.nodes, registered)


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
