"""Who somebody is and what they may: their own rights, and those of every team that they belong to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gitops.directory import Directory, Nobody, Profile
from model.cluster import Cluster
from model.errors import Unreadable
from model.names import PersonName, TeamName
from model.operation import Asker
from model.people import Right, Team


@dataclass(frozen=True)
class Standing:
    """Somebody who acts, with all that they may.

    `unsure` are the teams to which they may belong: Slack does not say.
    """

    person: PersonName
    may: frozenset[Right] = frozenset()
    teams: frozenset[TeamName] = frozenset()
    slack: str = ""
    email: str = ""
    name: str = ""
    unsure: frozenset[TeamName] = frozenset()

    def at_best(self, cluster: Cluster) -> "Standing":
        """The same person, if they belong to every team of which Slack does not say whether they do."""
        teams = self.teams | self.unsure
        return Standing(self.person, self.may | _rights(cluster, self.unsure), teams, self.slack, self.email, self.name)


class Rights:
    """Asks Slack who belongs to a group or a channel; what it does not say makes nobody a member."""

    def __init__(self, directory: Directory | None = None) -> None:
        self._directory = directory or Nobody()

    def asker(self, cluster: Cluster, asker: Asker) -> Standing | None:
        """Whoever asks: somebody of `people`, or a Slack user who is in a team; None for a stranger."""
        known = self._by_slack(cluster, asker.user) if asker.place == "slack" else self._by_email(cluster, asker.user)
        return known if known is not None and _counts(cluster, known) else None

    def person(self, cluster: Cluster, name: PersonName) -> Standing:
        """Somebody by the name under which they acted before; without any rights where they are gone."""
        if name in cluster.people:
            return self._of_people(cluster, name)
        return self._by_slack(cluster, name.upper()) or Standing(name)

    def profile(self, standing: Standing) -> Profile:
        """Under which name and address somebody commits. Raises `Unreadable` where Slack has to say, and does not."""
        if standing.email:
            return Profile(standing.slack, standing.name or standing.person, standing.email)
        found = self._directory.profile(standing.slack)
        if found is None or not found.email:
            raise Unreadable(f"Slack does not say by which address {standing.slack} commits; try again in a minute")
        return found

    def _by_slack(self, cluster: Cluster, user: str) -> Standing | None:
        known = cluster.person_by_slack(user)
        if known is not None:
            return self._of_people(cluster, known[0])
        # Their name would be that of somebody else.
        return None if user.lower() in cluster.people else self._standing(cluster, user.lower(), user)

    def _by_email(self, cluster: Cluster, email: str) -> Standing | None:
        known = cluster.person_by_email(email)
        if known is not None:
            return self._of_people(cluster, known[0])
        try:
            profile = self._directory.by_email(email)
        except Unreadable:
            return None
        return None if profile is None else self._by_slack(cluster, profile.user)

    def _of_people(self, cluster: Cluster, name: PersonName) -> Standing:
        person = cluster.people[name]
        return self._standing(cluster, name, person.slack, person.may, person.email)

    def _standing(
        self, cluster: Cluster, person: PersonName, slack: str, own: Iterable[Right] = (), email: str = ""
    ) -> Standing:
        belongs = {name: self._belongs(team, person, slack) for name, team in cluster.teams.items()}
        teams = frozenset(name for name, sure in belongs.items() if sure)
        unsure = frozenset(name for name, sure in belongs.items() if sure is None)
        return Standing(person, frozenset(own) | _rights(cluster, teams), teams, slack, email, "", unsure)

    def _belongs(self, team: Team, person: PersonName, slack: str) -> bool | None:
        """Whether somebody is in a team; None where Slack does not say."""
        if person in team.people or slack in team.users:
            return True
        asked: list[Callable[[], bool]] = [
            *(lambda group=group: self._directory.in_group(slack, group) for group in team.groups),
            *(lambda channel=channel: self._directory.in_channel(slack, channel) for channel in team.channels),
        ]
        sure: bool | None = False
        for ask in asked:
            try:
                if ask():
                    return True
            except Unreadable:
                sure = None
        return sure


def holders(cluster: Cluster, right: Right) -> tuple[str, ...]:
    """Who has a right, as a sentence names them: people first, then teams with members that no manifest names."""
    people = set(cluster.who_may(right))
    teams = [name for name, team in sorted(cluster.teams.items()) if right in team.may]
    for name in teams:
        people |= set(named(cluster, name))
    return (*sorted(people), *(f"the team {name}" for name in teams if is_open(cluster, name)))


def named(cluster: Cluster, team: TeamName) -> tuple[PersonName, ...]:
    """The members of a team that are in `people`, as far as the manifest says."""
    members = cluster.teams[team]
    by_id = [known[0] for user in members.users if (known := cluster.person_by_slack(user))]
    return tuple(sorted({*(name for name in members.people if name in cluster.people), *by_id}))


def is_open(cluster: Cluster, team: TeamName) -> bool:
    """Whether somebody may belong to a team who is not in `people`."""
    members = cluster.teams[team]
    strangers = [user for user in members.users if cluster.person_by_slack(user) is None]
    return bool(members.groups or members.channels or strangers)


def _rights(cluster: Cluster, teams: Iterable[TeamName]) -> frozenset[Right]:
    return frozenset(right for name in teams for right in cluster.teams[name].may)


def _counts(cluster: Cluster, known: Standing) -> bool:
    return known.person in cluster.people or bool(known.teams or known.unsure)
