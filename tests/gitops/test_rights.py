"""What somebody may: their own rights, and those of every team that they belong to as Slack says at the click."""

import pytest

from gitops.directory import Profile
from gitops.rights import Rights, holders
from model.cluster import Cluster
from model.operation import Asker
from tests.gitops.scene import manifests
from tests.gitops.workspace import Workspace

DEVELOPER, REVIEWER, GUEST = "U02DEVELOPER", "U03REVIEWER", "U04GUEST"


def cluster(**team: object) -> Cluster:
    """The example's cluster with a team that may scale and approve."""
    return Cluster.model_validate(
        {**manifests().cluster.model_dump(by_alias=True), "teams": {"operators": {"may": ["scale", "approve"], **team}}}
    )


def may(known: Cluster, user: str, workspace: Workspace | None = None, place: str = "slack") -> set[str] | None:
    asker = Asker.model_validate({"place": place, "user": user})
    standing = Rights(workspace).asker(known, asker)
    return None if standing is None else set(standing.may)


@pytest.mark.parametrize(
    ("team", "workspace"),
    [
        ({"people": ["reviewer"]}, Workspace()),
        ({"users": [REVIEWER]}, Workspace()),
        ({"groups": ["S01OPERATORS"]}, Workspace(groups={"S01OPERATORS": {REVIEWER}})),
        ({"channels": ["operators"]}, Workspace(channels={"operators": {REVIEWER}})),
    ],
)
def test_a_person_has_the_rights_of_a_team_beside_their_own(team: dict[str, object], workspace: Workspace) -> None:
    assert may(cluster(**team), REVIEWER, workspace) == {"read", "approve", "scale"}
    assert may(cluster(**team), DEVELOPER, workspace) == {"read", "deploy", "scale"}
    without = manifests().cluster
    assert may(without, REVIEWER, workspace) == {"read", "approve"}


def test_a_guest_of_the_workspace_acts_by_a_team_and_is_a_stranger_without() -> None:
    workspace = Workspace(groups={"S01OPERATORS": {GUEST}})
    standing = Rights(workspace).asker(cluster(groups=["S01OPERATORS"]), Asker(place="slack", user=GUEST))
    assert standing is not None
    assert (standing.person, set(standing.may)) == ("u04guest", {"scale", "approve"})
    assert may(cluster(groups=["S02OTHERS"]), GUEST, workspace) is None


def test_who_left_the_group_may_no_more() -> None:
    workspace = Workspace(groups={"S01OPERATORS": {GUEST}})
    known = cluster(groups=["S01OPERATORS"])
    rights = Rights(workspace)
    assert "approve" in rights.person(known, "u04guest").may
    workspace.groups.clear()
    assert not rights.person(known, "u04guest").may


def test_where_slack_does_not_say_those_who_are_named_still_may() -> None:
    workspace = Workspace(groups={"S01OPERATORS": {GUEST, DEVELOPER}}, silent=True)
    known = cluster(groups=["S01OPERATORS"], people=["reviewer"])
    assert may(known, REVIEWER, workspace) == {"read", "approve", "scale"}
    assert may(known, DEVELOPER, workspace) == {"read", "deploy", "scale"}
    assert may(known, GUEST, workspace) == set(), "nobody says that they are a stranger"
    guest = Rights(workspace).person(known, "u04guest")
    assert not guest.may
    assert guest.unsure == {"operators"}
    assert "approve" in guest.at_best(known).may


def test_a_shell_is_known_by_its_address_first_in_the_manifest_then_in_slack() -> None:
    workspace = Workspace(
        groups={"S01OPERATORS": {GUEST}},
        profiles={
            GUEST: Profile(GUEST, "guest", "guest@flstr.lab"),
            REVIEWER: Profile(REVIEWER, "reviewer", "private@flstr.lab"),
        },
    )
    known = cluster(groups=["S01OPERATORS"])
    assert may(known, "developer@flstr.lab", workspace, "shell") == {"read", "deploy", "scale"}
    assert may(known, "guest@flstr.lab", workspace, "shell") == {"scale", "approve"}
    assert may(known, "private@flstr.lab", workspace, "shell") == {"read", "approve"}
    assert may(known, "nobody@flstr.lab", workspace, "shell") is None
    workspace.silent = True
    assert may(known, "guest@flstr.lab", workspace, "shell") is None


def test_nobody_acts_under_the_name_of_somebody_in_the_manifest() -> None:
    people = {name: person.model_dump() for name, person in manifests().cluster.people.items()}
    people["ursula"] = {"slack": "U09OTHER", "email": "ursula@flstr.lab", "may": ["read"]}
    known = Cluster.model_validate({**cluster(users=["URSULA"]).model_dump(by_alias=True), "people": people})
    assert may(known, "URSULA") is None
    assert may(known, "U09OTHER") == {"read"}


def test_who_has_a_right_is_said_by_name_and_by_team() -> None:
    assert holders(manifests().cluster, "scale") == ("developer", "operator")
    assert holders(cluster(people=["reviewer"]), "scale") == ("developer", "operator", "reviewer")
    assert holders(cluster(groups=["S01OPERATORS"]), "approve") == ("operator", "reviewer", "the team operators")
