"""How the machines of a network answer each other through it. Pure."""

from collections.abc import Callable, Iterator, Mapping

from executors.doctor.facts import Facts, Reach
from executors.doctor.findings import Finding
from model.names import NodeName
from model.networks import OVERLAY

Pair = frozenset[NodeName]


def of_reach(
    network: str,
    seen: Mapping[NodeName, Facts],
    explained: Callable[[Pair], bool],
    silence: Callable[[NodeName, NodeName], Finding],
) -> Iterator[Finding]:
    """Pairs that carry nothing, or not everything, each told of once, unless it is `explained` by something else.

    `silence(node, about)` is what to tell where `about` does not answer `node` at all.
    """
    told: set[Pair] = set()
    for node, facts in seen.items():
        for (of_network, about), reach in facts.reach.items():
            pair = frozenset({node, about})
            if of_network != network or pair in told or explained(pair):
                continue
            if reach.milliseconds is None:
                told.add(pair)
                yield silence(node, about)
            elif not (reach.large and reach.tcp):
                told.add(pair)
                yield _not_everything(network, node, about, reach)


def through(network: str) -> str:
    """A network in a sentence."""
    return f"through {'the overlay' if network == OVERLAY else network}"


def _not_everything(network: str, node: NodeName, about: NodeName, reach: Reach) -> Finding:
    if not reach.large:
        text = f"{about} answers {node} {through(network)}, but no large packet arrives"
        mend = "see which network between them has a smaller MTU and lets no ICMP through"
    else:
        text = f"{about} answers a ping of {node} {through(network)}, but no TCP"
        mend = f"see what firewalld on {about} drops"
    return Finding("warning", node, text, mend, about, network)
