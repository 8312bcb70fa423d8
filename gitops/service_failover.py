"""Who of a service is to lead where its leader is lost, and who does not follow whom it should, from one look a second.
Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gitops.service_roles import Heard
from gitops.services import instances_of
from model.cluster import Cluster
from model.names import AppName, NodeName
from model.registered import Registered

# How long a leader is silent, or down, until another one leads: longer than a restart takes.
LOST_SECONDS = 5.0
# How long somebody follows the wrong one until that is put right: longer than it takes to follow the right one.
ASTRAY_SECONDS = 3.0
# What was heard longer ago says nothing of now.
FRESH_SECONDS = 4.0


@dataclass(frozen=True)
class Watched:
    """A service that leads: who does by what is registered, and where each of its machines is, as address and port."""

    service: AppName
    leader: NodeName
    addresses: Mapping[NodeName, str]


@dataclass(frozen=True)
class Seen:
    """What a machine said of a service, and when."""

    at: float
    heard: Heard


@dataclass(frozen=True)
class Memory:
    """Since when each leader was last well, by service and leader; and since when some of a service are astray."""

    well: Mapping[tuple[AppName, NodeName], float] = field(default_factory=dict)
    astray: Mapping[tuple[AppName, tuple[NodeName, ...]], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Who is to lead a service now, and for how long there was a reason for it; `wrong` are those that do not follow
    where the leader stays."""

    service: AppName
    leader: NodeName
    instead_of: NodeName | None
    wrong: tuple[NodeName, ...]
    seconds: float


Sights = Mapping[tuple[AppName, NodeName], Seen]


def watched_services(cluster: Cluster, registered: Registered) -> tuple[Watched, ...]:
    """The services where one of several instances leads, as flstr says."""
    return tuple(_watched(cluster, registered))


def judge(before: Memory, services: Sequence[Watched], seen: Sights, now: float) -> tuple[Memory, tuple[Verdict, ...]]:
    """What is known after a look, and what is to be done; of a service at most one thing."""
    well, astray, verdicts = {}, {}, []
    for one in services:
        known = _fresh(one, seen, now)
        last = _last_well(one, before, seen, now)
        well[one.service, one.leader] = last
        if now - last >= LOST_SECONDS:
            heir = _heir(one, known)
            if heir is not None:
                verdicts.append(Verdict(one.service, heir, one.leader, (), now - last))
        elif wrong := _wrong(one, known):
            since = before.astray.get((one.service, wrong), now)
            astray[one.service, wrong] = since
            if now - since >= ASTRAY_SECONDS:
                verdicts.append(Verdict(one.service, one.leader, None, wrong, now - since))
    return Memory(well, astray), tuple(verdicts)


def _watched(cluster: Cluster, registered: Registered) -> Iterator[Watched]:
    for name, found in sorted(registered.services.items()):
        record = found.record
        # One that is still being installed has lost nobody.
        if record is None or record.leader is None or found.meta_data is None:
            continue
        there = instances_of(record.service, record.nodes, cluster, registered)
        if len(record.nodes) > 1 and there:
            addresses = {node: f"{one.ip}:{one.port}" for node, one in there.items()}
            yield Watched(name, record.leader, addresses)


def _fresh(one: Watched, seen: Sights, now: float) -> dict[NodeName, Heard]:
    sights = {node: seen.get((one.service, node)) for node in one.addresses}
    return {
        node: sight.heard for node, sight in sights.items() if sight is not None and now - sight.at <= FRESH_SECONDS
    }


def _last_well(one: Watched, before: Memory, seen: Sights, now: float) -> float:
    """When the leader last answered; one that is watched from now on is well until the contrary is heard."""
    sight = seen.get((one.service, one.leader))
    last = before.well.get((one.service, one.leader), now)
    return max(last, sight.at) if sight is not None and sight.heard.role != "down" else last


def _heir(one: Watched, known: Mapping[NodeName, Heard]) -> NodeName | None:
    """Whoever has most of what was written, once they say themselves that the leader is gone.

    While one of them hears the leader, it is flstr that does not, or the network in between: nobody is moved.
    """
    lost = one.addresses.get(one.leader, "")
    followers = {node: said for node, said in known.items() if said.role == "follower" and node != one.leader}
    if any(said.linked and said.follows == lost for said in followers.values()):
        return None
    # Those that never had its data, or are just getting them, are no heirs.
    followers = {node: said for node, said in followers.items() if said.offset >= 0}
    own = {node: said for node, said in followers.items() if said.follows == lost} or followers
    if all(said.linked for said in own.values()):
        return None
    return min(own, key=lambda node: (-own[node].offset, node))


def _wrong(one: Watched, known: Mapping[NodeName, Heard]) -> tuple[NodeName, ...]:
    """Those that answer and are not what they should be, while the leader answers."""
    leader = known.get(one.leader)
    if leader is None or leader.role == "down":
        return ()
    address = one.addresses.get(one.leader, "")

    def is_wrong(node: NodeName, said: Heard) -> bool:
        if node == one.leader:
            return said.role != "leader"
        return said.role == "leader" or (said.role == "follower" and said.follows != address)

    return tuple(sorted(node for node, said in known.items() if is_wrong(node, said)))
