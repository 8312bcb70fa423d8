"""Who may reach what on a machine: firewalld's zones, from the manifests and what is registered. Pure.

The public side has SSH, the ports of the networks, and on an ingress what it serves; everything else comes through a
mesh or the overlay, each a zone of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from executors.knock import KNOCK_MARK
from executors.overlay_files import OVERLAY_DEVICE
from executors.script import STATE_FOLDER
from executors.templates import render
from gitops.networked import Members
from gitops.routed import ROUTING_ROLES
from model.cluster import OVERLAY, Cluster
from model.names import NodeName, Role
from model.registered import INSTANCE_PORTS, Registered

SSH_PORT = 22
WEB_PORTS = (80, 443)
ETCD_PORT, ETCD_PEER_PORT = 2379, 2380
PUBLIC = "public"
ZONES_FOLDER = "/etc/firewalld/zones"
KNOCK_SECONDS = 15
ROLLBACK_SECONDS = 60


@dataclass(frozen=True)
class Opening:
    """A port, or a range of them, that is let in; from `sources` only, where there are any."""

    ports: str
    protocol: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Zone:
    """What is let in through one interface; the zone of the public side has all that no other zone has."""

    name: str
    interface: str | None
    openings: tuple[Opening, ...]

    @property
    def file(self) -> str:
        """The zone as firewalld reads it."""
        return render("firewall/zone.xml.j2", zone=self)


def firewall(node: NodeName, role: Role, cluster: Cluster, registered: Registered) -> tuple[Zone, ...]:
    """The zones of a machine, whether it has joined yet or not; the public one first."""
    networks = [(mesh, mesh) for mesh in cluster.meshes_of(role)]
    if cluster.has_overlay(role):
        networks.append((OVERLAY, OVERLAY_DEVICE))
    inner = (Zone(name, device, tuple(_inside(name, node, role, cluster, registered))) for name, device in networks)
    return (Zone(PUBLIC, None, tuple(_outside(role, cluster, registered))), *inner)


def firewall_of(node: NodeName, cluster: Cluster, registered: Registered) -> str:
    """The script of a machine's firewall, by the role it was set up in, or else the one it is wanted in."""
    record, pool = registered.nodes.get(node), cluster.nodes().get(node)
    role = record.role if record is not None else pool.role if pool is not None else None
    return "" if role is None else firewall_script(firewall(node, role, cluster, registered))


def firewall_script(zones: tuple[Zone, ...]) -> str:
    """Brings firewalld to these zones, and back to the old ones where no new SSH connection comes in with them."""
    return render(
        "firewall/apply.sh.j2",
        zones=zones,
        folder=ZONES_FOLDER,
        state_folder=STATE_FOLDER,
        public=PUBLIC,
        knock=KNOCK_MARK,
        knock_seconds=KNOCK_SECONDS,
        rollback=render("firewall/rollback.sh.j2", folder=ZONES_FOLDER, state_folder=STATE_FOLDER),
        service=render("firewall/rollback.service.j2", state_folder=STATE_FOLDER),
        timer=render("firewall/rollback.timer.j2", seconds=ROLLBACK_SECONDS),
    )


def _outside(role: Role, cluster: Cluster, registered: Registered) -> Iterator[Opening]:
    yield Opening(str(SSH_PORT), "tcp")
    for mesh in cluster.meshes_of(role):
        for protocol in ("tcp", "udp"):
            yield Opening(str(cluster.meshes[mesh].port), protocol)
    if cluster.overlay is not None and cluster.has_overlay(role):
        yield Opening(str(cluster.overlay.port), "udp")
    if role == "ingress":
        served = {record.publish.port for record in registered.ingress.values()}
        for port in sorted({*WEB_PORTS, *served}):
            yield Opening(str(port), "tcp")


def _inside(network: str, node: NodeName, role: Role, cluster: Cluster, registered: Registered) -> Iterator[Opening]:
    if role == "controller":
        yield Opening(str(ETCD_PORT), "tcp")
        others = _other_controllers(network, node, registered.members)
        if others:
            yield Opening(str(ETCD_PEER_PORT), "tcp", others)
    if role in ROUTING_ROLES:
        published = (app.meta_data.publish.port for app in registered.apps.values() if app.meta_data is not None)
        for port in sorted(set(published)):
            yield Opening(str(port), "tcp")
    if role == "worker" and network == cluster.app_network():
        yield Opening(f"{INSTANCE_PORTS.start}-{INSTANCE_PORTS.stop - 1}", "tcp")


def _other_controllers(network: str, node: NodeName, members: Members) -> tuple[str, ...]:
    of_network = members.get(network, {})
    others = (one.address for name, one in sorted(of_network.items()) if one.role == "controller" and name != node)
    return tuple(others)
