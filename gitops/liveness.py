"""Which machines are given up and which are back, from whether they answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitops.placement import places
from model.cluster import Cluster
from model.names import NodeName
from model.registered import Registered


@dataclass(frozen=True)
class Silence:
    """What a controller has seen itself: machines that do not answer, and since when (Unix time).

    `all_since` is since when more than half of them are silent, `told` whether the channel has heard of that.
    """

    since: Mapping[NodeName, float] = field(default_factory=dict)
    all_since: float | None = None
    told: bool = False


@dataclass(frozen=True)
class Verdict:
    """What follows from a look: `died` and `back` by since when each was silent, `gone` are no machines any more."""

    died: Mapping[NodeName, float] = field(default_factory=dict)
    back: Mapping[NodeName, float] = field(default_factory=dict)
    gone: tuple[NodeName, ...] = ()
    cut_off: bool = False


def judge(
    before: Silence,
    answers: Mapping[NodeName, bool],
    dead: Mapping[NodeName, float],
    dead_after: float,
    now: float,
) -> tuple[Silence, Verdict]:
    """What is known after a look, and what is to be done; `dead` are those given up already.

    Where more than half of the others are silent at once, it is the network, or flstr's own: none of them is given
    up, and their silence counts from when that is over.
    """
    back = {node: since for node, since in dead.items() if answers.get(node)}
    gone = tuple(sorted(dead.keys() - answers.keys()))
    watched = answers.keys() - dead.keys()
    silent = sorted(node for node in watched if not answers[node])
    if 2 * len(silent) > len(watched):
        since = now if before.all_since is None else before.all_since
        cut_off = not before.told and now - since >= dead_after
        return Silence(all_since=since, told=before.told or cut_off), Verdict(back=back, gone=gone, cut_off=cut_off)
    silence = {node: before.since.get(node, now) for node in silent}
    died = {node: since for node, since in silence.items() if now - since >= dead_after}
    return Silence({node: since for node, since in silence.items() if node not in died}), Verdict(died, back, gone)


def died_sentence(node: NodeName, silent_for: float, cluster: Cluster, registered: Registered) -> str:
    """What the channel hears of a machine that is given up; `registered` has it among the dead already."""
    sentence = f"{node} has not answered for {in_words(silent_for)}"
    if not any(record.node == node for app in registered.apps.values() for record in app.instances.values()):
        return f"{sentence}."
    if not places(cluster, registered).workers:
        return f"{sentence}; its instances are not started elsewhere, for no other worker may run them."
    return f"{sentence}; its instances are started on other machines."


def in_words(seconds: float) -> str:
    """`45 seconds`, `2 minutes`, `3 hours`: whole ones, rounded down."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return _plural(int(seconds // length), unit)
    return _plural(int(seconds), "second")


def _plural(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
