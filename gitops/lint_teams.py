"""What teams and approvals must agree on with the people there are. Pure."""

import re
from collections.abc import Iterator

from gitops.gate import names
from gitops.manifests import Document, Fault
from gitops.rights import is_open, named
from model.cluster import Cluster

# A Slack user who is in no `people` goes by their id in small letters, and that has a digit in it.
_LIKE_AN_ID = re.compile(r"[uw](?=[a-z0-9]*[0-9])[a-z0-9]{2,20}")


def team_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """Teams of people that exist, approvals by teams that exist, and enough people to approve."""
    for name in cluster.people:
        if _LIKE_AN_ID.fullmatch(name):
            sentence = f"{name} looks like a Slack member id, by which flstr calls others; give this person a name"
            yield Fault(document.path, document.line(("people", name)), sentence)
    for name, team in cluster.teams.items():
        for number, person in enumerate(team.people):
            if person not in cluster.people:
                sentence = f"{person} of team {name} is not among `people`; add this person, or name the Slack user"
                yield Fault(document.path, document.line(("teams", name, "people", number)), sentence)
    yield from _approval_faults(document, cluster)


def _approval_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    policy = cluster.approvals
    second = policy.escalate.to if policy.escalate else None
    asked = {("approvals", "team"): policy.team, ("approvals", "escalate", "to"): second}
    unknown = {where: team for where, team in asked.items() if team is not None and team not in cluster.teams}
    for where, team in unknown.items():
        known = names(sorted(cluster.teams)) if cluster.teams else "none, so far"
        yield Fault(document.path, document.line(where), f"there is no team {team} under `teams`; there is {known}")
    if unknown or not (cluster.people or cluster.teams):
        return
    by_right = [name for name, team in cluster.teams.items() if "approve" in team.may]
    teams = by_right if policy.team is None else [policy.team]
    if any(is_open(cluster, name) for name in teams):
        return
    people = set(cluster.who_may("approve") if policy.team is None else ())
    people.update(person for name in teams for person in named(cluster, name))
    if len(people) < policy.count:
        are = f"only {names(sorted(people))} may approve" if people else "nobody may approve"
        sentence = f"{are}, and {policy.count} have to; let more people approve, or ask for fewer"
        yield Fault(document.path, document.line(("approvals", "count")), sentence)
