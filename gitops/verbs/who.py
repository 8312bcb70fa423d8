"""The verb that says who may do what, and what is held by whom."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from gitops.store import Store
from gitops.verbs.desk import Request
from gitops.verbs.names import known_as
from model import keys
from model.cluster import Cluster
from model.mrkdwn import escape
from model.operation import Hold
from model.people import Person, Right, Team

RIGHTS: tuple[Right, ...] = get_args(Right)


@dataclass(frozen=True)
class Who:
    """Answers from `cluster.yaml` as it was last accepted, and from the holds in etcd."""

    store: Store

    def who(self, request: Request) -> str:
        """`who [person or right]`."""
        cluster, words = request.cluster, request.intent.arguments
        holds = [Hold.model_validate_json(value) for _, value in sorted(self.store.prefix(keys.HOLDS).items())]
        if not words:
            return "\n".join([*everybody(cluster), "", *held(holds)])
        known = [*cluster.people, *cluster.teams, *RIGHTS]
        name = known_as(request, words[0], "person, team or right", known)
        if name in cluster.people:
            return "\n".join(
                [_person(name, cluster.people[name], cluster), *held([h for h in holds if h.person == name])]
            )
        if name in cluster.teams:
            return _team(name, cluster.teams[name])
        return _right(name, cluster)


def everybody(cluster: Cluster) -> list[str]:
    """People and teams with what they may do."""
    people = [_person(name, person, cluster) for name, person in sorted(cluster.people.items())]
    teams = [_team(name, team) for name, team in sorted(cluster.teams.items())]
    return ["*Who may do what*", *people, *teams] if people or teams else ["Nobody is named in cluster.yaml."]


def held(holds: Sequence[Hold]) -> list[str]:
    """What is held, by whom, why and until when."""
    lines = [f"• {one.id} by {escape(one.person)}{_until(one)}: {escape(one.reason)}" for one in holds]
    return ["*What is held*", *lines] if lines else ["Nothing is held."]


def _until(hold: Hold) -> str:
    if hold.until is None:
        return " until somebody ends it"
    return f" until {time.strftime('%Y-%m-%d %H:%M', time.gmtime(hold.until))} UTC"


def _person(name: str, person: Person, cluster: Cluster) -> str:
    teams = [
        team
        for team, members in sorted(cluster.teams.items())
        if name in members.people or person.slack in members.users
    ]
    of_teams = f"; in {', '.join(teams)}" if teams else ""
    return f"• {name} may {', '.join(person.may) or 'nothing'}{of_teams}"


def _team(name: str, team: Team) -> str:
    members = [
        *team.people,
        *(f"user {user}" for user in team.users),
        *(f"user group {group}" for group in team.groups),
        *(f"channel #{channel}" for channel in team.channels),
    ]
    return f"• team {name} ({', '.join(members) or 'nobody'}) may {', '.join(team.may) or 'nothing'}"


def _right(name: str, cluster: Cluster) -> str:
    people = [person for person, found in sorted(cluster.people.items()) if name in found.may]
    teams = [f"team {team}" for team, found in sorted(cluster.teams.items()) if name in found.may]
    return f"*{name}*: {', '.join([*people, *teams]) or 'nobody'}"
