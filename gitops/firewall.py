"""Who may reach what on a machine, from the manifests and what is registered. Pure.

The public side has SSH, the ports of the networks, and on an ingress what it serves; everything else comes through a
mesh or the overlay, each a zone of its own. What carries something still is kept until it does not: a network that the
manifests have no longer, and the ports of instances that listen where no new ones will.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from gitops.bindings import served_by
from gitops.firewall_openings import Opening, address_in
from gitops.firewall_services import service_openings
from gitops.networked import Members
from gitops.overlay_leases import lease_of
from gitops.routed import ROUTING_ROLES
from model.cluster import Cluster
from model.names import NodeName, Role
from model.networks import OVERLAY
from model.registered import INSTANCE_PORTS, Registered

SSH_PORT = 22
WEB_PORTS = (80, 443)
ETCD_PORT, ETCD_PEER_PORT = 2379, 2380
PUBLIC = "public"


@dataclass(frozen=True)
class Zone:
    """What is let in through a network of its name; the public side is everything that no network is."""

    name: str
    openings: tuple[Opening, ...]


def zones_in_role(node: NodeName, role: Role, cluster: Cluster, registered: Registered) -> tuple[Zone, ...]:
    """The zones of a machine, whether it has joined yet or not; the public one first."""
    networks = _networks(node, role, cluster, registered)
    inner = (Zone(name, tuple(_inside(name, node, role, cluster, registered))) for name in networks)
    outside = (*_outside(node, role, registered), *_of_networks(networks, node, cluster, registered))
    return (Zone(PUBLIC, outside), *inner)


def zones_of(node: NodeName, cluster: Cluster, registered: Registered) -> tuple[Zone, ...]:
    """The zones of a machine by the role it was set up in, or else the one it is wanted in; none where it has none."""
    record = registered.nodes.get(node)
    if record is not None:
        return zones_in_role(node, record.role, cluster, registered)
    pool = cluster.nodes().get(node)
    return () if pool is None else zones_in_role(node, pool.role, cluster, registered)


def firewall_digest(node: NodeName, cluster: Cluster, registered: Registered) -> str:
    """Sixteen digits that change with anything that is let in."""
    return hashlib.sha256(repr(zones_of(node, cluster, registered)).encode()).hexdigest()[:16]


def wrongly_walled(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """Wanted machines whose firewall was last brought to something else, or never to anything; no dead ones."""
    wanted = (cluster.nodes().keys() & registered.nodes.keys()) - registered.dead.keys()
    noted = registered.walled
    return tuple(node for node in sorted(wanted) if noted.get(node) != firewall_digest(node, cluster, registered))


def _networks(node: NodeName, role: Role, cluster: Cluster, registered: Registered) -> tuple[str, ...]:
    """Those of its role, and those that it still has an address in."""
    record = registered.nodes.get(node)
    wanted = [*cluster.meshes_of(role), *([OVERLAY] if cluster.has_overlay(role) else [])]
    left = sorted(record.addresses.keys() - set(wanted)) if record is not None else []
    return (*wanted, *left)


def _outside(node: NodeName, role: Role, registered: Registered) -> Iterator[Opening]:
    """An ingress that has not joined yet serves nothing; the routing that follows opens its ports."""
    yield Opening(str(SSH_PORT), "tcp")
    if role == "ingress":
        served = {record.publish.port for record in served_by(node, registered)}
        for port in sorted({*WEB_PORTS, *served}):
            yield Opening(str(port), "tcp")


def _of_networks(
    networks: tuple[str, ...], node: NodeName, cluster: Cluster, registered: Registered
) -> Iterator[Opening]:
    for network in networks:
        port = _port_of(network, node, cluster, registered)
        protocols = ("udp",) if network == OVERLAY else ("tcp", "udp")
        yield from (Opening(str(port), protocol) for protocol in protocols if port is not None)


def _port_of(network: str, node: NodeName, cluster: Cluster, registered: Registered) -> int | None:
    """The manifests know it, or else what is registered of the machine's own end."""
    if network == OVERLAY:
        record = registered.nodes.get(node)
        lease = None if record is None else lease_of(record.ip, registered.leases)
        left = None if lease is None else lease.backend_data.port
        return left if cluster.overlay is None else cluster.overlay.port
    if network in cluster.meshes:
        return cluster.meshes[network].port
    member = registered.members.get(network, {}).get(node)
    return None if member is None else member.port


def _inside(network: str, node: NodeName, role: Role, cluster: Cluster, registered: Registered) -> Iterator[Opening]:
    if role == "controller":
        yield Opening(str(ETCD_PORT), "tcp")
        others = _other_controllers(network, node, registered.members)
        if others:
            yield Opening(str(ETCD_PEER_PORT), "tcp", others)
    if role in ROUTING_ROLES:
        offered = [app.meta_data for app in registered.apps.values()]
        # What flstr installs is offered to each machine by itself alone.
        offered += [service.meta_data for service in registered.services.values() if service.record is None]
        published = {one.publish.port for one in offered if one is not None}
        for port in sorted(published | _of_services_by_hand(network, node, registered)):
            yield Opening(str(port), "tcp")
    yield from service_openings(network, node, cluster, registered)
    if role == "worker" and (network == cluster.app_network() or _carries(network, node, registered)):
        yield Opening(f"{INSTANCE_PORTS.start}-{INSTANCE_PORTS.stop - 1}", "tcp")


def _of_services_by_hand(network: str, node: NodeName, registered: Registered) -> set[int]:
    """The ports at which services of the machine listen there that were registered by hand, for everybody's HAProxy."""
    by_hand = (one for one in registered.services.values() if one.meta_data is not None and one.record is None)
    instances = (one for service in by_hand for one in service.instances.values())
    return {one.port for one in instances if one.node == node and one.ip == address_in(network, node, registered)}


def _carries(network: str, node: NodeName, registered: Registered) -> bool:
    """Whether an instance of the machine listens there, such as one that is still to be moved to another network."""
    address = address_in(network, node, registered)
    instances = (one for app in registered.apps.values() for one in app.instances.values())
    return address is not None and any(one.node == node and one.ip == address for one in instances)


def _other_controllers(network: str, node: NodeName, members: Members) -> tuple[str, ...]:
    of_network = members.get(network, {})
    others = (one.address for name, one in sorted(of_network.items()) if one.role == "controller" and name != node)
    return tuple(others)
