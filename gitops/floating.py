"""Which ingress should hold each floating IP, and which machines answer at others than they hold. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from gitops.bindings import bound_nodes, held_by, silent
from model.cluster import Cluster
from model.names import FloatingIpName, NodeName
from model.registered import Registered

# Whom each floating IP could not be brought to, in the order in which that was tried.
Tried = Mapping[FloatingIpName, Sequence[NodeName]]
NEVER: Tried = {}


@dataclass(frozen=True)
class Move:
    """A floating IP that another ingress should hold, or that nobody holds yet (`holder` is None)."""

    name: FloatingIpName
    holder: NodeName | None
    to: NodeName


def moves(
    cluster: Cluster, registered: Registered, going: Collection[NodeName] = (), tried: Tried = NEVER
) -> tuple[Move, ...]:
    """The floating IPs whose holder should change; nobody who is `going` may hold one.

    A holder that is allowed and answers keeps what it has. Where it does not, of those that do the one that holds the
    fewest follows, whoever was tried in vain coming last. Where nobody does, everything stays as it is.
    """
    holders = {name: record.node for name, record in registered.floating_ips.items() if record.node is not None}
    holds = Counter(holders.values())
    found = []
    for name in sorted(cluster.floating_ips):
        holder = holders.get(name)
        to = _chosen(_candidates(name, holder, cluster, registered, going), holds, tried.get(name, ()))
        if to is not None and to != holder:
            holds.update([to])
            holds.subtract([] if holder is None else [holder])
            found.append(Move(name, holder, to))
    return tuple(found)


def _candidates(
    name: FloatingIpName,
    holder: NodeName | None,
    cluster: Cluster,
    registered: Registered,
    going: Collection[NodeName],
) -> list[NodeName]:
    wanted, staying = cluster.floating_ips[name], cluster.nodes()
    allowed = [node for node in bound_nodes(wanted.pool, wanted.nodes, registered) if node not in going]
    if holder in allowed and not silent(holder, registered):
        return [holder]
    # Before it was routed for the first time, an ingress has nothing to answer with.
    return [node for node in allowed if node in staying and node in registered.routed and not silent(node, registered)]


def _chosen(
    candidates: Sequence[NodeName], holds: Mapping[NodeName, int], tried: Sequence[NodeName]
) -> NodeName | None:
    untried = [node for node in candidates if node not in tried]
    # Where each was tried, the plan stays the one that was made last, which is tried again after a while.
    last = next((node for node in reversed(tried) if node in candidates), None)
    return min(untried, key=lambda node: holds.get(node, 0), default=last)


def strays(registered: Registered) -> Mapping[tuple[NodeName, FloatingIpName | None], bool]:
    """Machines that answer, by the floating IP that they do not answer at as they should; True where they hold it.

    An address that is no floating IP of the cluster any more has no name.
    """
    names = {str(record.ip): name for name, record in registered.floating_ips.items()}
    found: dict[tuple[NodeName, FloatingIpName | None], bool] = {}
    for node in sorted(registered.nodes):
        if silent(node, registered):
            continue
        told = set(registered.floated.get(node, ()))
        held = {str(address) for address in held_by(node, registered)}
        for address in sorted(told ^ held):
            found[node, names.get(address)] = address in held
    return found


def settled_addresses(
    node: NodeName, names: Collection[FloatingIpName], registered: Registered
) -> frozenset[IPv4Address]:
    """What a machine should answer at: what it holds, and whatever it has of those that are not among `names`.

    Those may be on their way to it, which is for somebody else to know.
    """
    others = {record.ip for name, record in registered.floating_ips.items() if name not in names}
    told = frozenset(map(IPv4Address, registered.floated.get(node, ())))
    return held_by(node, registered) | (told & others)
