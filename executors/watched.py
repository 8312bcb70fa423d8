"""What was seen of new instances while they were watched, and what it says of their release. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from model.app import App
from model.names import InstanceId, NodeName

# Fewer failures than this are no sign of anything.
LEAST_FAILED = 3
# How much greater the share of failures may be than that of the instances beside it: 5 of a hundred.
MARGIN = 0.05


@dataclass(frozen=True)
class Counts:
    """How many requests (of a TCP app: connections) an instance was sent, and how many of them failed."""

    requests: int = 0
    failed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.requests + other.requests, self.failed + other.failed)

    def since(self, before: "Counts") -> "Counts":
        """What came after `before`. Counters that are smaller by now began anew, with a reload of HAProxy."""
        if self.requests < before.requests or self.failed < before.failed:
            return self
        return Counts(self.requests - before.requests, self.failed - before.failed)

    @property
    def share(self) -> float:
        """The share that failed, from 0 to 1."""
        return min(1.0, self.failed / self.requests) if self.requests else float(self.failed > 0)


@dataclass(frozen=True)
class Unit:
    """An instance's unit on its machine."""

    active: bool
    restarts: int
    invocation: str


@dataclass(frozen=True)
class Look:
    """What one machine says at one moment: its HAProxy's counts by instance, which it finds down, the units here."""

    counts: Mapping[InstanceId, Counts] = field(default_factory=dict)
    down: frozenset[InstanceId] = frozenset()
    units: Mapping[InstanceId, Unit] = field(default_factory=dict)


@dataclass(frozen=True)
class Watched:
    """One machine from the beginning of the watch: what came since, and how things stood first and last."""

    first: Look
    last: Look
    counts: Mapping[InstanceId, Counts] = field(default_factory=dict)

    def then(self, look: Look) -> "Watched":
        """The same machine, a look later."""
        grown = {
            instance: self.counts.get(instance, Counts()) + counts.since(self.last.counts.get(instance, Counts()))
            for instance, counts in look.counts.items()
        }
        return Watched(self.first, look, {**self.counts, **grown})


@dataclass(frozen=True)
class Fault:
    """Why a release must not go on: one sentence, and an instance whose journal may say more."""

    sentence: str
    instance: InstanceId


def parse_looks(printed: str, protocol: str) -> tuple[Look, Look]:
    """What the watch script prints: as it was before, and after."""
    lines = [line.split() for line in printed.splitlines()]
    before, after = (
        _look([words[1:] for words in lines if words[:1] == [moment]], protocol) for moment in ("before", "after")
    )
    return before, after


def _look(lines: Sequence[Sequence[str]], protocol: str) -> Look:
    counts: dict[InstanceId, Counts] = {}
    down: set[InstanceId] = set()
    units: dict[InstanceId, Unit] = {}
    for line in lines:
        match line:
            case ["haproxy", instance, requests, answered_5xx, unconnected, unanswered, status, *_]:
                failed = int(unconnected)
                if protocol == "http":
                    # HAProxy does not look into the others, and a connection that breaks off may be their way to end.
                    failed += int(answered_5xx) + int(unanswered)
                counts[instance] = Counts(int(requests), failed)
                if status == "DOWN":
                    down.add(instance)
            case ["unit", instance, active, invocation, restarts]:
                units[instance] = Unit(active == "active", int(restarts), invocation)
    return Look(counts, frozenset(down), units)


def ended_fault(app: App, instances: Mapping[InstanceId, NodeName], seen: Mapping[NodeName, Watched]) -> Fault | None:
    """An instance whose process ended, or was started anew, since it was found healthy."""
    for instance, node in sorted(instances.items()):
        here = seen.get(node)
        unit = None if here is None else here.last.units.get(instance)
        if here is None or unit is None:
            continue
        who = f"{app.app} {instance} on {node}"
        if unit.restarts:
            times = "once" if unit.restarts == 1 else f"{unit.restarts} times"
            return Fault(f"{who} ended after it had been healthy, and systemd started it again {times}", instance)
        if not unit.active:
            return Fault(f"{who} ended after it had been healthy", instance)
        first = here.first.units.get(instance)
        if first is not None and first.invocation != unit.invocation:
            return Fault(f"{who} was started again while it was watched", instance)
    return None


def down_from(
    instances: Mapping[InstanceId, NodeName], seen: Mapping[NodeName, Watched], ingresses: Collection[NodeName]
) -> dict[InstanceId, NodeName]:
    """New instances that a machine's HAProxy does not reach any more, and that machine; their own one before others.

    Ingresses and its own machine have reached it before. Another one may need its first packets to arrive, so that
    there an instance has to be seen going down.
    """
    found: dict[InstanceId, NodeName] = {}
    for instance, node in sorted(instances.items()):
        machines = [
            name
            for name, watched in sorted(seen.items())
            if instance in watched.last.down
            and (name == node or name in ingresses or instance not in watched.first.down)
        ]
        if machines:
            found[instance] = node if node in machines else machines[0]
    return found


def failing_fault(app: App, instances: Mapping[InstanceId, NodeName], seen: Mapping[NodeName, Watched]) -> Fault | None:
    """New instances that fail clearly more often than the app's other ones at the same time: each by itself, then all
    of them together."""
    each: dict[InstanceId, Counts] = {}
    others = Counts()
    for watched in seen.values():
        for instance, counts in watched.counts.items():
            if instance in instances:
                each[instance] = each.get(instance, Counts()) + counts
            else:
                others += counts
    for instance, counts in sorted(each.items(), key=lambda item: (-item[1].share, item[0])):
        if fails_more(counts, others):
            return Fault(_failing(app, f"{instance} on {instances[instance]}", counts, others), instance)
    together = sum(each.values(), Counts())
    if fails_more(together, others):
        return Fault(
            _failing(app, ", ".join(sorted(each)), together, others), max(each, key=lambda one: each[one].failed)
        )
    return None


def fails_more(new: Counts, others: Counts) -> bool:
    """Whether the new ones fail clearly more often: at least `LEAST_FAILED` times, and by more than `MARGIN`."""
    return new.failed >= LEAST_FAILED and new.share > others.share + MARGIN


def _failing(app: App, who: str, new: Counts, others: Counts) -> str:
    what = "requests" if app.env.protocol == "http" else "connections"
    beside = f"against {others.failed} of {others.requests} to the instances beside it" if others.requests else ""
    return f"{app.app} {who}: {new.failed} of {new.requests} {what} failed, {beside or 'and nobody asked the others'}"
