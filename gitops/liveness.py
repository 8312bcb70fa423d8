"""Which machines are NotReady, given up, or back, from whether they live. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from gitops.placement import places
from model.cluster import Cluster
from model.names import NodeName
from model.registered import Registered

# By it an enrolled machine registers itself.
NODE_UNIT = "flstr-node.service"
# What comes and goes is told so often within so long, and then no more.
OFTEN, WITHIN_SECONDS = 3, 3600.0
# For so long a machine that was given up counts among the silent ones.
COUNTED_SECONDS = 3600.0
# Between two times that the channel hears of the network.
CUT_OFF_AGAIN_SECONDS = 600.0


@dataclass(frozen=True)
class Limits:
    """Seconds of silence, and the percentage of the machines at which their silence is taken for the network's."""

    not_ready_after: float
    dead_after: float
    silent_share: int

    @property
    def patience(self) -> float:
        """How long silence means nothing: whoever is given up sooner is NotReady sooner."""
        return min(self.not_ready_after, self.dead_after)


@dataclass(frozen=True)
class Noted:
    """What stands in etcd: machines that are NotReady, and those of them that are given up, by since when (Unix time)
    each is silent."""

    not_ready: Mapping[NodeName, float] = field(default_factory=dict)
    dead: Mapping[NodeName, float] = field(default_factory=dict)

    def both(self) -> dict[NodeName, float]:
        """All of them."""
        return {**self.not_ready, **self.dead}


@dataclass(frozen=True)
class Silence:
    """What a controller has seen itself.

    `since` is of machines that are silent, and not noted yet. `judging_from` is when it began to look, or since when
    the network is whole again. `all_since` is since when too many are silent, `told` whether the channel has heard of
    that, and `told_at` when it last did. `begun` is when each became NotReady lately, `given_up` when each was that.
    """

    since: Mapping[NodeName, float] = field(default_factory=dict)
    judging_from: float | None = None
    all_since: float | None = None
    told: bool = False
    told_at: float | None = None
    begun: Mapping[NodeName, tuple[float, ...]] = field(default_factory=dict)
    given_up: Mapping[NodeName, float] = field(default_factory=dict)

    def interrupted(self) -> "Silence":
        """Where it could not be looked: everything is counted anew, and nothing is told twice."""
        return Silence(told_at=self.told_at, begun=self.begun, given_up=self.given_up)


@dataclass(frozen=True)
class CutOff:
    """Too many machines are silent at once: how many, of how many, and how many of them were given up lately."""

    silent: int
    watched: int
    given_up: int = 0


@dataclass(frozen=True)
class Verdict:
    """What follows from a look: `not_ready`, `died` and `back` by since when each was silent.

    `gone` are no machines any more; of those in `quiet`, which come and go, the channel hears nothing; `last_told`
    are those of which it hears for the last time. `cut_off` is where that is told.
    """

    not_ready: Mapping[NodeName, float] = field(default_factory=dict)
    died: Mapping[NodeName, float] = field(default_factory=dict)
    back: Mapping[NodeName, float] = field(default_factory=dict)
    gone: tuple[NodeName, ...] = ()
    quiet: frozenset[NodeName] = frozenset()
    last_told: frozenset[NodeName] = frozenset()
    cut_off: CutOff | None = None


def judge(
    before: Silence, lives: Mapping[NodeName, bool], noted: Noted, limits: Limits, now: float
) -> tuple[Silence, Verdict]:
    """What is known after a look, and what is to be done.

    Where the stated share of the machines is silent at once, it is the network, or flstr's own: nobody becomes anything
    worse, and silence counts from when that is over. Those given up within the last hour count among the silent, so
    that not more than the share are acted upon one after the other; those given up before count neither as silent nor
    as machines. A machine that lives is back at once.
    """
    both = noted.both()
    back = {node: since for node, since in both.items() if lives.get(node)}
    gone = tuple(sorted(both.keys() - lives.keys()))
    lately = _lately(before.begun, lives, now)
    given_up = _given_up(before.given_up, lives, noted, limits)
    counted = {node for node, at in given_up.items() if now - at < COUNTED_SECONDS}
    watched = (lives.keys() - given_up.keys()) | counted
    silent = sorted(node for node, alive in lives.items() if not alive and node not in given_up)
    quiet = frozenset(node for node in back if node not in noted.dead and len(lately.get(node, ())) > OFTEN)
    if silent and 100 * (len(silent) + len(counted)) >= limits.silent_share * len(watched):
        silence, tell = _cut_off(replace(before, begun=lately, given_up=given_up), limits, now)
        cut_off = CutOff(len(silent) + len(counted), len(watched), len(counted)) if tell else None
        return silence, Verdict(back=back, gone=gone, quiet=quiet, cut_off=cut_off)
    start = now if before.judging_from is None else before.judging_from
    since = {node: noted.not_ready.get(node, before.since.get(node, now)) for node in silent}
    ripe = {node: at for node, at in since.items() if now - max(start, at) >= limits.patience}
    died = {node: at for node, at in ripe.items() if now - at >= limits.dead_after}
    fresh = {node: at for node, at in ripe.items() if node not in died and node not in noted.not_ready}
    lately |= {node: (*lately.get(node, ()), now) for node in fresh}
    waiting = {node: at for node, at in since.items() if node not in ripe and node not in noted.not_ready}
    verdict = Verdict(
        not_ready=fresh,
        died=died,
        back=back,
        gone=gone,
        quiet=quiet.union(node for node in fresh if len(lately[node]) > OFTEN),
        last_told=frozenset(node for node in fresh if len(lately[node]) == OFTEN),
    )
    given_up |= dict.fromkeys(died, now)
    return Silence(waiting, start, told_at=before.told_at, begun=lately, given_up=given_up), verdict


def _given_up(
    before: Mapping[NodeName, float], lives: Mapping[NodeName, bool], noted: Noted, limits: Limits
) -> dict[NodeName, float]:
    """When each machine that is silent still was given up; where another leader did it, as soon as it might have."""
    still = {node: since for node, since in noted.dead.items() if lives.get(node) is False}
    return {node: before.get(node, since + limits.dead_after) for node, since in still.items()}


def _lately(
    begun: Mapping[NodeName, tuple[float, ...]], lives: Mapping[NodeName, bool], now: float
) -> dict[NodeName, tuple[float, ...]]:
    recent = {node: tuple(at for at in times if now - at < WITHIN_SECONDS) for node, times in begun.items()}
    return {node: times for node, times in recent.items() if times and node in lives}


def _cut_off(before: Silence, limits: Limits, now: float) -> tuple[Silence, bool]:
    """What is known while it is the network; and whether the channel is to hear of it now."""
    since = now if before.all_since is None else before.all_since
    again = before.told_at is None or now - before.told_at >= CUT_OFF_AGAIN_SECONDS
    tell = not before.told and again and now - since >= limits.patience
    told_at = now if tell else before.told_at
    told = before.told or tell
    return replace(before, since={}, judging_from=now, all_since=since, told=told, told_at=told_at), tell


def not_ready_sentence(node: NodeName, silent_for: float, registered: Registered, *, answers: bool) -> str:
    """What the channel hears of a machine that becomes NotReady; `registered` has it among those already.

    `answers` says that it can be logged in to all the same.
    """
    silence = "has not answered" if not answers else "answers SSH, but has not registered itself"
    sentence = f"{node} is NotReady: it {silence} for {in_words(silent_for)}"
    if answers:
        sentence += f" (`systemctl status {NODE_UNIT}` there says why)"
    alone = list(_without_others(node, registered))
    if not any(record.node == node for app in registered.apps.values() for record in app.instances.values()):
        return f"{sentence}."
    if alone:
        return f"{sentence}; its instances get no traffic, but those of {', '.join(alone)}, which has no others."
    return f"{sentence}; its instances get no traffic."


def _without_others(node: NodeName, registered: Registered) -> Iterator[str]:
    silent = registered.silent()
    for (_, name), app in sorted(registered.apps.items()):
        on = {record.node for record in app.instances.values()}
        if node in on and on <= silent:
            yield name


def cut_off_sentence(cut_off: CutOff) -> str:
    """What the channel hears where too many are silent at once."""
    lately = f" ({cut_off.given_up} given up within the last hour)" if cut_off.given_up else ""
    return (
        f"{cut_off.silent} of {cut_off.watched} machines do not answer at once{lately}, so it is the network, or "
        f"flstr's own: nothing {'more ' if lately else ''}is taken out of the routing or moved because of that."
    )


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
