"""What etcd says of its members, read from what the scripts print. Pure."""

import re
from dataclasses import dataclass

from model.names import NodeName

_MEMBER = re.compile(
    r"^member (?P<id>[0-9a-f]+), (?P<status>started|unstarted), (?P<name>[^,]*), (?P<peer>[^,]*), (?P<client>[^,]*), "
    r"(?P<learner>true|false)$",
    re.MULTILINE,
)
_HELD = re.compile(r"^holds (\S+)$", re.MULTILINE)
_FOUNDED = re.compile(r"^founded (\S+)$", re.MULTILINE)
_HEALTHY = re.compile(r"^healthy (\S+)$", re.MULTILINE)
_LEADS = re.compile(r"^leads (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Listed:
    """A member as etcd lists it; one that was never started has neither name nor client address."""

    id: str
    name: str
    peer: str
    client: str
    is_learner: bool

    @property
    def is_started(self) -> bool:
        """Whether it ever came up."""
        return bool(self.name)


@dataclass(frozen=True)
class Survey:
    """All members; the ids of those that answer with a quorum, and of the one that leads."""

    members: tuple[Listed, ...]
    healthy: frozenset[str]
    leader: str

    def at(self, peer: str) -> Listed | None:
        """The member with this address, or None."""
        return next((one for one in self.members if one.peer == peer), None)

    def voters(self) -> tuple[Listed, ...]:
        """Those whose votes make the quorum."""
        return tuple(one for one in self.members if not one.is_learner)


def members_in(output: str) -> tuple[Listed, ...]:
    """The members that a script listed."""
    return tuple(
        Listed(found["id"], found["name"], found["peer"], found["client"], found["learner"] == "true")
        for found in _MEMBER.finditer(output)
    )


@dataclass(frozen=True)
class Look:
    """What a machine has: the membership of its data, the members it began with, those that its member lists now."""

    membership: str
    began_with: str
    members: tuple[Listed, ...]


def look_in(output: str) -> Look:
    """What `look.sh` printed; texts are empty where there are no data."""
    held, founded = _HELD.search(output), _FOUNDED.search(output)
    return Look(held[1] if held else "", founded[1] if founded else "", members_in(output))


def survey_in(output: str) -> Survey:
    """What `survey.sh` printed."""
    members = members_in(output)
    by_client = {one.client: one.id for one in members if one.client}
    healthy = frozenset(by_client[url] for url in _HEALTHY.findall(output) if url in by_client)
    leads = _LEADS.search(output)
    return Survey(members, healthy, by_client.get(leads[1], "") if leads else "")


def why_not_remove(node: NodeName, member: Listed, survey: Survey) -> str:
    """Why a member has to stay, in one sentence, or nothing where enough of the others answer."""
    others = [one for one in survey.voters() if one.id != member.id]
    if not others:
        return f"{node} carries the only member of etcd; add another controller first"
    living = [one for one in others if one.id in survey.healthy]
    needed = len(others) // 2 + 1
    if len(living) >= needed:
        return ""
    silent = ", ".join(one.name or one.peer for one in others if one not in living)
    return (
        f"{node} has to stay: without it {len(living)} of etcd's {len(others)} members would answer, and {needed} are "
        f"needed; bring {silent} back, or destroy that first"
    )


def successor(member: Listed, survey: Survey) -> Listed | None:
    """Who is to lead instead, where this member does."""
    if survey.leader != member.id:
        return None
    return next((one for one in survey.voters() if one.id != member.id and one.id in survey.healthy), None)
