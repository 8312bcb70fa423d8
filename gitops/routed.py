"""Whether the routing of every machine is what is registered. Pure."""

import hashlib

from model.names import NodeName
from model.registered import Registered

ROUTING_ROLES = frozenset({"worker", "ingress", "service"})


def routing_nodes(registered: Registered) -> tuple[NodeName, ...]:
    """The machines that run HAProxy. A dead one is not waited for: it is brought up to date once it answers again."""
    nodes = sorted(registered.nodes.items())
    return tuple(name for name, node in nodes if node.role in ROUTING_ROLES and name not in registered.dead)


def routing_digest(registered: Registered, node: NodeName) -> str:
    """Sixteen digits that change with anything that a machine's routing is made from."""
    addresses = sorted(registered.nodes[node].addresses.items())
    parts = [f"{network} {address}" for network, address in addresses]
    parts += [f"{address} {record.to_json()}" for address, record in sorted(registered.ingress.items())]
    for (kind, name), app in sorted(registered.apps.items()):
        if app.meta_data is not None:
            parts.append(f"{kind} {name} {app.meta_data.to_json()}")
            parts += [f"{instance} {record.to_json()}" for instance, record in sorted(app.instances.items())]
    for name, service in sorted(registered.services.items()):
        if service.meta_data is not None:
            parts.append(f"service {name} {service.meta_data.to_json()}")
            parts += [f"{instance} {record.to_json()}" for instance, record in sorted(service.instances.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def wrongly_routed(registered: Registered) -> tuple[NodeName, ...]:
    """The machines whose routing was last brought to something else, or never to anything."""
    nodes = routing_nodes(registered)
    return tuple(node for node in nodes if registered.routed.get(node) != routing_digest(registered, node))


def routing_target(registered: Registered) -> str:
    """Sixteen digits that change with what the routing of any machine should be."""
    parts = [f"{node} {routing_digest(registered, node)}" for node in routing_nodes(registered)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
