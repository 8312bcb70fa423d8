"""The overlay: each machine's WireGuard against the leases. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from executors.doctor.devices import WrongDevice, wrong_device
from executors.doctor.facts import Device, Facts, OverlayFacts, WireGuardPeer
from executors.doctor.findings import Finding
from executors.doctor.leases import Leases, leases_by_node, lost_subnets, of_shared_keys, whose, without_lease
from executors.doctor.machine import without_names
from executors.doctor.reach import of_reach, through
from executors.findings import Level
from executors.overlay_files import OVERLAY_DEVICE, address_of, driver_unit, leases_in_use, place_of
from gitops.networked import overlay_nodes
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY, Overlay
from model.registered import OverlayLease, Registered

# WireGuard makes a new handshake every two minutes while anything flows; the third is missed.
STALE_SECONDS = 300.0
WIREGUARD_BYTES = 80

# Whoever has a key is the machine to all others: that it is another one now is for a person to say.
_KEY_MENDS = {
    "wireguard": "see who changed it, then put the old one back or rent the machine anew",
    "flanneld": "`systemctl restart flanneld` there, which leases the new one",
}


@dataclass(frozen=True)
class _End:
    """A machine in the overlay: what it should be, and what was seen of it."""

    node: NodeName
    overlay: Overlay
    subnet: str
    lease: OverlayLease
    facts: OverlayFacts

    @property
    def unit(self) -> str:
        return driver_unit(self.overlay)

    def again(self, level: Level, text: str, about: NodeName = "", fault: str = "") -> Finding:
        """What a new start of the driver mends."""
        mend = f"`doctor {self.node} --fix` starts {self.unit} again"
        return Finding(level, self.node, text, mend, about, OVERLAY, frozenset({self.node}), (self.unit,), fault)

    def written(self, level: Level, text: str, does: str, tend: tuple[str, ...] = ()) -> Finding:
        """What the machine's script mends by itself."""
        mend = f"`doctor {self.node} --fix` {does}"
        return Finding(level, self.node, text, mend, "", OVERLAY, frozenset({self.node}), tend)

    def peer(self, level: Level, text: str, about: NodeName = "", fault: str = "") -> Finding:
        """A peer that is wrong; flanneld sets its own when it starts."""
        if self.overlay.driver == "flanneld":
            return self.again(level, text, about, fault)
        mend = f"`doctor {self.node} --fix` sets its peers again"
        return Finding(level, self.node, text, mend, about, OVERLAY, frozenset({self.node}), fault=fault)


def of_overlay(
    cluster: Cluster, registered: Registered, seen: Mapping[NodeName, Facts], silent: frozenset[NodeName] = frozenset()
) -> Iterator[Finding]:
    """What is wrong with the overlay; `silent` machines did not answer at all, which explains what others see."""
    if cluster.overlay is None:
        return
    leases = leases_by_node(cluster, registered)
    used = leases_in_use(registered.leases, cluster.overlay, {record.ip for record in registered.nodes.values()})
    found = list(of_shared_keys(cluster.overlay, registered, leases, used))
    cut = {*silent, *(one.node for one in found)}
    for node in overlay_nodes(cluster, registered):
        facts = seen[node].overlay if node in seen else None
        if node not in leases:
            cut.add(node)
            found.append(without_lease(node, cluster.overlay, cluster, registered))
        elif facts is not None:
            end = _End(node, cluster.overlay, *leases[node], facts)
            own = [*_of_driver(end), *_of_lease(end)]
            cut.update({node} if own else ())
            lines = place_of(node, cluster.overlay, registered).hosts_lines
            lost = frozenset(lost_subnets(cluster, registered).values())
            found += [*own, *_of_boot(end), *_of_peers(end, used, leases, seen, lost)]
            found += without_names(node, lines, seen[node], OVERLAY)
    yield from found
    wrong = {frozenset({one.node, one.about}) for one in found}
    yield from of_reach(
        OVERLAY,
        seen,
        # Of a machine without a lease that was said; one that nobody knows is no end of a tunnel.
        lambda pair: pair in wrong or not pair.isdisjoint(cut) or not pair <= leases.keys(),
        lambda node, about: _silence(node, about, seen[node], leases),
    )


def _of_driver(end: _End) -> Iterator[Finding]:
    node, facts = end.node, end.facts
    if not facts.let_in:
        text = f"firewalld on {node} keeps the overlay's port {end.overlay.port} closed"
        yield end.written("error", text, "opens it", ("firewalld",))
    if not all(unit.active for unit in facts.units.values()):
        yield end.again("error", f"{end.unit} does not run on {node}")
        return
    mtu = facts.uplink_mtu - WIREGUARD_BYTES if facts.uplink_mtu else 0
    wanted = Device(f"{address_of(end.subnet)}/32", mtu, (str(end.overlay.network),))
    wrong = list(wrong_device(node, OVERLAY_DEVICE, facts.device, wanted))
    if not facts.key and not wrong:
        wrong.append(WrongDevice("error", f"{OVERLAY_DEVICE} on {node} is no WireGuard device with a key"))
    for one in wrong:
        yield end.again(one.level, one.text, fault=one.fault)


def _of_lease(end: _End) -> Iterator[Finding]:
    node, held = end.node, end.lease.backend_data
    if end.facts.key and end.facts.key != held.public_key:
        text = f"{node} has another WireGuard key than its lease says"
        yield Finding("error", node, text, _KEY_MENDS[end.overlay.driver], mesh=OVERLAY)
    if end.facts.key and end.facts.port != str(held.port):
        text = f"WireGuard on {node} listens at port {end.facts.port}, its lease says {held.port}"
        yield end.again("error", text, fault="port")


def _of_boot(end: _End) -> Iterator[Finding]:
    if not all(unit.enabled for unit in end.facts.units.values()):
        yield end.written("warning", f"{end.unit} does not start at boot on {end.node}", "enables it")


def _of_peers(
    end: _End,
    used: Mapping[str, OverlayLease],
    leases: Leases,
    seen: Mapping[NodeName, Facts],
    lost: frozenset[str],
) -> Iterator[Finding]:
    if not end.facts.key:
        return
    names = {subnet: name for name, (subnet, _) in leases.items()}
    peers = {peer.key: peer for peer in end.facts.peers}
    for subnet, lease in used.items():
        about = names.get(subnet, "")
        if about != end.node and lease.backend_data.public_key != end.facts.key:
            other = seen[about].overlay if about in seen else None
            # WireGuard follows a peer that moves; that it listens elsewhere is told of there.
            ports = {str(lease.backend_data.port), *(() if other is None else (other.port,))}
            peer = peers.pop(lease.backend_data.public_key, None)
            yield from _of_peer(end, peer, subnet, about, {"", *(f"{lease.public_ip}:{port}" for port in ports)})
    for peer in peers.values():
        # A lease that is gone is told of at the machine that had it.
        if peer.allowed not in lost:
            text = f"{end.node} has a WireGuard peer for {peer.allowed or 'nothing'} that no lease has"
            yield end.peer("warning", text)


def _of_peer(
    end: _End, peer: WireGuardPeer | None, subnet: str, about: NodeName, endpoints: Collection[str]
) -> Iterator[Finding]:
    node, named, fault = end.node, whose(subnet, about), f"peer of {end.node} for {subnet}"
    if peer is None:
        yield end.peer("error", f"{node} has no WireGuard peer for {named}", about, fault)
    elif peer.allowed != subnet:
        text = f"{node} sends {peer.allowed or 'nothing'} to {named} in the overlay"
        yield end.peer("error", text, about, fault)
    elif peer.endpoint not in endpoints:
        text = f"{node} has {peer.endpoint} as the endpoint of {named} in the overlay"
        yield end.peer("error", text, about, fault)


def _silence(node: NodeName, about: NodeName, facts: Facts, leases: Leases) -> Finding:
    lease = leases[about][1]
    peers = () if facts.overlay is None else facts.overlay.peers
    shaken = any(
        peer.key == lease.backend_data.public_key and peer.handshake > facts.now - STALE_SECONDS for peer in peers
    )
    mend = f"see whether UDP port {lease.backend_data.port} of {lease.public_ip} can be reached; there was no handshake"
    if shaken:
        mend = f"see what firewalld on {about} drops; the handshake is fresh"
    return Finding("error", node, f"{about} does not answer {node} {through(OVERLAY)}", mend, about, OVERLAY)
