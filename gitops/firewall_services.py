"""Who may reach the services of a machine that flstr installs there. Pure.

They are open from the moment that their instances are registered, before any app is told of them: while a service is
installed, its instances have to find each other.
"""

from collections.abc import Iterator

from gitops.firewall_openings import Opening, address_in
from gitops.routed import ROUTING_ROLES
from model.cluster import Cluster
from model.names import NodeName
from model.registered import Registered, RegisteredService


def service_openings(network: str, node: NodeName, cluster: Cluster, registered: Registered) -> Iterator[Opening]:
    """The ports of the machine's services in a network: for all that run HAProxy, and for its own other instances."""
    address = address_in(network, node, registered)
    if address is None:
        return
    sources = _routing_sources(network, cluster, registered)
    ports: set[int] = set()
    peers: dict[int, tuple[str, ...]] = {}
    for service in filter(_is_installed, registered.services.values()):
        for one in service.instances.values():
            if one.node != node or one.ip != address:
                continue
            ports.add(one.port)
            others = tuple(sorted({other.ip for other in service.instances.values()} - {address}))
            if one.peer_port is not None and others:
                peers[one.peer_port] = others
    yield from (Opening(str(port), "tcp", sources) for port in sorted(ports))
    yield from (Opening(str(port), "tcp", others) for port, others in sorted(peers.items()))


def _is_installed(service: RegisteredService) -> bool:
    """Whether flstr installs it, or is about to: then each instance is called after its machine."""
    return service.record is not None or (
        service.meta_data is None and all(name == one.node for name, one in service.instances.items())
    )


def _routing_sources(network: str, cluster: Cluster, registered: Registered) -> tuple[str, ...]:
    """Everybody in the network, where all of them run HAProxy: then whoever joins changes no firewall but its own."""
    if cluster.roles_of(network) <= ROUTING_ROLES:
        return ()
    nodes = (name for name, one in sorted(registered.nodes.items()) if one.role in ROUTING_ROLES)
    return tuple(ip for name in nodes if (ip := address_in(network, name, registered)) is not None)
