"""The overlay: each machine's WireGuard against the leases. Pure."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network

from executors.doctor.facts import Facts, OverlayFacts
from executors.doctor.findings import Finding
from executors.overlay_files import OVERLAY_DEVICE
from gitops.networked import overlay_nodes
from model.cluster import OVERLAY, Cluster, Overlay
from model.names import NodeName
from model.registered import OverlayLease, Registered

# WireGuard makes a new handshake every two minutes while anything flows; the third is missed.
STALE_SECONDS = 300.0
WIREGUARD_BYTES = 80
MEND = "`sync` brings it to what is registered"


def own_address(subnet: str) -> str:
    """A machine's address in the overlay: the first of its subnet, as flannel has it."""
    return str(IPv4Network(subnet).network_address)


def leases_by_node(cluster: Cluster, registered: Registered) -> dict[NodeName, tuple[str, OverlayLease]]:
    """The subnet and lease of each machine that has one; a machine is known by its public address."""
    by_ip = {lease.public_ip: (subnet, lease) for subnet, lease in sorted(registered.leases.items())}
    return {
        node: by_ip[registered.nodes[node].ip]
        for node in overlay_nodes(cluster, registered)
        if registered.nodes[node].ip in by_ip
    }


def of_overlay(
    cluster: Cluster, registered: Registered, seen: Mapping[NodeName, Facts], silent: frozenset[NodeName] = frozenset()
) -> Iterator[Finding]:
    """What is wrong with the overlay; `silent` machines did not answer at all, which explains what others see."""
    if cluster.overlay is None:
        return
    leases = leases_by_node(cluster, registered)
    for node in overlay_nodes(cluster, registered):
        facts = seen[node].overlay if node in seen else None
        if facts is None:
            continue
        if node not in leases:
            yield _finding(node, f"{node} has no subnet of the overlay", "`sync` gives it one")
            continue
        subnet, lease = leases[node]
        own = list(_of_device(node, cluster.overlay, subnet, facts))
        own += _of_lease(node, lease, facts)
        yield from own
        if not own:
            yield from _of_peers(node, registered, leases, facts)
            yield from _of_reach(node, seen[node], leases, registered, silent)


def _of_device(node: NodeName, overlay: Overlay, subnet: str, facts: OverlayFacts) -> Iterator[Finding]:
    for name, unit in facts.units.items():
        if not unit.active:
            yield _finding(node, f"{name} does not run on {node}", f"`systemctl start {name}` there")
        if not unit.enabled:
            yield _finding(node, f"{name} does not start at boot on {node}", f"`systemctl enable {name}` there")
    device = facts.device
    if not facts.key:
        yield _finding(node, f"there is no WireGuard device {OVERLAY_DEVICE} on {node}")
        return
    address = f"{own_address(subnet)}/32"
    if device.address != address:
        yield _finding(node, f"{OVERLAY_DEVICE} on {node} has {device.address or 'no address'} instead of {address}")
    if str(overlay.network) not in device.routes:
        yield _finding(node, f"{node} has no route to {overlay.network} through {OVERLAY_DEVICE}")
    mtu = facts.uplink_mtu - WIREGUARD_BYTES
    if facts.uplink_mtu and device.mtu != mtu:
        yield _finding(node, f"{OVERLAY_DEVICE} on {node} has an MTU of {device.mtu} instead of {mtu}")


def _of_lease(node: NodeName, lease: OverlayLease, facts: OverlayFacts) -> Iterator[Finding]:
    if facts.key and facts.key != lease.backend_data.public_key:
        yield _finding(node, f"{node} has another WireGuard key than its lease says")
    if facts.key and facts.port != str(lease.backend_data.port):
        yield _finding(node, f"WireGuard on {node} listens at port {facts.port}, its lease says another")


def _of_peers(
    node: NodeName,
    registered: Registered,
    leases: Mapping[NodeName, tuple[str, OverlayLease]],
    facts: OverlayFacts,
) -> Iterator[Finding]:
    names = {subnet: name for name, (subnet, _) in leases.items()}
    others = {subnet: lease for subnet, lease in registered.leases.items() if names.get(subnet) != node}
    peers = {peer.key: peer for peer in facts.peers}
    for subnet, lease in others.items():
        about = names.get(subnet, "")
        whose = f"{about} ({subnet})" if about else subnet
        peer = peers.pop(lease.backend_data.public_key, None)
        if peer is None:
            yield _finding(node, f"{node} has no WireGuard peer for {whose}", about=about)
        elif peer.allowed != subnet:
            yield _finding(node, f"{node} sends {peer.allowed or 'nothing'} to {whose} in the overlay", about=about)
        elif peer.endpoint not in ("(none)", f"{lease.public_ip}:{lease.backend_data.port}"):
            yield _finding(node, f"{node} has {peer.endpoint} as the endpoint of {whose} in the overlay", about=about)
    for peer in peers.values():
        text = f"{node} has a WireGuard peer for {peer.allowed or 'nothing'} that no lease has"
        yield Finding("warning", node, text, MEND, mesh=OVERLAY)


def _of_reach(
    node: NodeName,
    facts: Facts,
    leases: Mapping[NodeName, tuple[str, OverlayLease]],
    registered: Registered,
    silent: frozenset[NodeName],
) -> Iterator[Finding]:
    peers = {peer.key: peer for peer in (facts.overlay.peers if facts.overlay else ())}
    for (network, about), reach in facts.reach.items():
        if network != OVERLAY or about not in leases or about in silent:
            continue
        peer = peers.get(leases[about][1].backend_data.public_key)
        if peer is None or reach.milliseconds is not None:
            continue
        shaken = peer.handshake > facts.now - STALE_SECONDS
        text = f"{about} does not answer {node} through the overlay"
        port = leases[about][1].backend_data.port
        mend = f"see whether UDP port {port} of {registered.nodes[about].ip} can be reached; there was no handshake"
        if shaken:
            mend = f"see what firewalld on {about} drops; the handshake is fresh"
        yield _finding(node, text, mend, about)


def _finding(node: NodeName, text: str, mend: str = MEND, about: NodeName = "") -> Finding:
    return Finding("error", node, text, mend, about, OVERLAY)
