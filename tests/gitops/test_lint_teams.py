"""What teams and approvals have to agree on with the people there are."""

import pytest

from gitops.lint import check
from gitops.manifests import FaultyManifests
from tests.gitops.scene import CLUSTER_YAML, files

TEAM = "teams:\n  operators:\n    {members}\n"


def faults(text: str) -> str:
    try:
        check(files({"cluster.yaml": text}))
    except FaultyManifests as faulty:
        return faulty.sentence
    return ""


def test_a_team_with_a_group_may_be_all_who_approve() -> None:
    policy = "count: 3\n  team: operators"
    assert (
        faults(
            CLUSTER_YAML.replace("count: 1\n  not_by", f"{policy}\n  not_by")
            + TEAM.format(members="groups: [S01OPERATORS]")
        )
        == ""
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("cloud:", "teams:\n  operators:\n    people: [lead]\ncloud:", "lead of team operators is not among `people`"),
        ("not_by:", "team: operators\n  not_by:", "there is no team operators under `teams`; there is none, so far"),
        ("not_by:", "escalate:\n    after: 10m\n    to: leads\n  not_by:", "there is no team leads under `teams`"),
        ("  count: 1\n  not_by", "  count: 3\n  not_by", "only operator or reviewer may approve, and 3 have to"),
        ("  developer:\n", "  u02developer:\n", "u02developer looks like a Slack member id"),
    ],
)
def test_what_does_not_agree_is_a_fault_with_its_line(old: str, new: str, sentence: str) -> None:
    text = CLUSTER_YAML.replace(old, new)
    assert text != CLUSTER_YAML
    said = faults(text)
    assert sentence in said
    assert said.startswith("cluster.yaml:")


def test_a_name_that_only_begins_like_an_id_is_a_name() -> None:
    assert faults(CLUSTER_YAML.replace("  developer:\n", "  ursula:\n")) == ""
