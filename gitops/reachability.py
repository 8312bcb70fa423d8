"""Which ingresses do not answer the public, and which do again, from one look a second. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gitops.bindings import bound_nodes, held_by
from gitops.floating import moves
from gitops.liveness import in_words
from model.cluster import Cluster
from model.names import NodeName
from model.registered import Registered

# So many looks in a row, until an ingress is taken for silent, or for one that answers again.
LOOKS = 3


@dataclass(frozen=True)
class Streaks:
    """How often in a row each ingress was silent, and since when (Unix time); and how often a silent one answered."""

    silent: Mapping[NodeName, int] = field(default_factory=dict)
    since: Mapping[NodeName, float] = field(default_factory=dict)
    good: Mapping[NodeName, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What follows from a look: `lost` by since when each is silent; `gone` are not looked at any more."""

    lost: Mapping[NodeName, float] = field(default_factory=dict)
    back: tuple[NodeName, ...] = ()
    gone: tuple[NodeName, ...] = ()


def watched_nodes(cluster: Cluster, registered: Registered) -> tuple[NodeName, ...]:
    """The ingresses that hold a floating IP or may: those whose nginx was brought up once."""
    wanted = cluster.floating_ips.values()
    allowed = {node for one in wanted for node in bound_nodes(one.pool, one.nodes, registered)}
    return tuple(sorted(node for node in allowed if node in registered.routed))


def judge(
    before: Streaks,
    answers: Mapping[NodeName, bool],
    unreachable: Collection[NodeName],
    dead: Collection[NodeName],
    now: float,
) -> tuple[Streaks, Verdict]:
    """What is known after a look, and what is to be noted; `unreachable` are those noted already.

    Where more than half of the others are silent at once, it is the network, or flstr's own: none of them is noted,
    and their silence counts from when that is over. So the only one is never noted, and one of two is.
    """
    good = {node: before.good.get(node, 0) + 1 for node in sorted(unreachable) if answers.get(node)}
    back = tuple(node for node, looks in good.items() if looks >= LOOKS)
    gone = tuple(sorted(set(unreachable) - answers.keys()))
    others = answers.keys() - set(unreachable) - set(dead)
    silent = sorted(node for node in others if not answers[node])
    if 2 * len(silent) > len(others):
        return Streaks(good=good), Verdict(back=back, gone=gone)
    looks = {node: before.silent.get(node, 0) + 1 for node in silent}
    since = {node: before.since.get(node, now) for node in silent}
    lost = {node: since[node] for node in silent if looks[node] >= LOOKS}
    return Streaks(looks, since, good), Verdict(lost, back, gone)


def lost_sentence(node: NodeName, silent_for: float, cluster: Cluster, registered: Registered) -> str:
    """What the channel hears of an ingress; `registered` has it among the unreachable already."""
    sentence = f"{node} has not answered requests for {in_words(max(1.0, silent_for))}"
    to = {move.name: move.to for move in moves(cluster, registered)}
    held = [name for name, record in sorted(registered.floating_ips.items()) if record.node == node]
    if not held_by(node, registered):
        return f"{sentence}."
    said = [
        f"floating IP {name} moves to {to[name]}"
        if name in to
        else f"floating IP {name} stays, for no other may hold it"
        for name in held
    ]
    return f"{sentence}; {', '.join(said)}."
