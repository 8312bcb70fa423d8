"""The leases of the overlay by themselves: who holds one, who lost it, which are nobody's peer. Pure."""

from collections.abc import Iterator, Mapping

from executors.doctor.findings import Finding
from executors.overlay_files import driver_unit, is_sound
from gitops.networked import overlay_nodes
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY, Overlay
from model.registered import OverlayLease, Registered

Leases = Mapping[NodeName, tuple[str, OverlayLease]]


def leases_by_node(cluster: Cluster, registered: Registered) -> dict[NodeName, tuple[str, OverlayLease]]:
    """The subnet and lease of each machine that has one, the first if it has two; it is known by its public address."""
    by_ip = {
        lease.public_ip: (subnet, lease)
        for subnet, lease in sorted(registered.leases.items(), reverse=True)
        if cluster.overlay is not None and is_sound(subnet, lease, cluster.overlay)
    }
    return {
        node: by_ip[registered.nodes[node].ip]
        for node in overlay_nodes(cluster, registered)
        if registered.nodes[node].ip in by_ip
    }


def lost_subnets(cluster: Cluster, registered: Registered) -> dict[NodeName, str]:
    """The subnets of machines that are in the overlay and have no lease any more."""
    leases = leases_by_node(cluster, registered)
    length = 0 if cluster.overlay is None else cluster.overlay.subnet_length
    return {
        node: f"{registered.nodes[node].addresses[OVERLAY]}/{length}"
        for node in overlay_nodes(cluster, registered)
        if node not in leases and OVERLAY in registered.nodes[node].addresses
    }


def without_lease(node: NodeName, overlay: Overlay, cluster: Cluster, registered: Registered) -> Finding:
    """A machine of the overlay that holds no subnet of it."""
    subnet = lost_subnets(cluster, registered).get(node)
    if subnet is None:
        return Finding("error", node, f"{node} has no subnet of the overlay", "`sync` gives it one", mesh=OVERLAY)
    text = f"{node} has {subnet} in the overlay without a lease"
    if subnet in registered.leases:
        text += f"; {registered.leases[subnet].public_ip} holds that now"
        return Finding("error", node, text, "`sync` gives it another one", mesh=OVERLAY)
    if overlay.driver == "flanneld":
        mend, only, tend = "starts flanneld again, which claims it", frozenset({node}), (driver_unit(overlay),)
        return Finding("error", node, text, f"`doctor {node} --fix` {mend}", "", OVERLAY, only, tend)
    everybody = frozenset(overlay_nodes(cluster, registered))
    return Finding("error", node, text, f"`doctor {node} --fix` claims it again", mesh=OVERLAY, mends=everybody)


def of_shared_keys(
    overlay: Overlay, registered: Registered, leases: Leases, used: Mapping[str, OverlayLease]
) -> Iterator[Finding]:
    """Leases that nobody has as a peer, because another one has their key."""
    names = {subnet: name for name, (subnet, _) in leases.items()}
    first = {lease.backend_data.public_key: subnet for subnet, lease in used.items()}
    for subnet, lease in registered.leases.items():
        if subnet not in used and is_sound(subnet, lease, overlay):
            other = first[lease.backend_data.public_key]
            node, about = names.get(subnet, ""), names.get(other, "")
            text = f"{whose(subnet, node)} has the WireGuard key of {whose(other, about)} and gets nothing"
            mend = f"rent {node} anew" if node else "take its lease out of etcd"
            yield Finding("error" if node else "warning", node, text, mend, about, OVERLAY)


def whose(subnet: str, node: NodeName) -> str:
    """A lease in a sentence, with the machine that has it where that is one of ours."""
    return f"{node} ({subnet})" if node else subnet
