"""`plan` of a command and of a branch: what would change, and nothing does."""

import pytest

from tests.gitops.flstr import REVIEWER, THREE_WORKERS, Flstr
from tests.gitops.remote import git
from tests.gitops.scene import CLUSTER_YAML
from tests.gitops.test_shown_before import head


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "plan scale influencer 3",
            "*What `scale influencer 3` would change*\n\nAt once: scale influencer from 2 to 3",
        ),
        ("plan stop influencer", "At once: stop influencer"),
        ("plan destroy worker101", "After an approval: destroy worker101"),
        ("plan remove influencer", "After an approval: remove influencer"),
        ("plan scale influencer 2", "influencer is already at 2; nothing to do."),
        ("plan scale worker 0", "influencer has no worker to run on"),
    ],
)
def test_a_command_is_rehearsed_by_whoever_may_read(flstr: Flstr, words: str, expected: str) -> None:
    flstr.settle()
    before = head(flstr)
    assert expected in flstr.ask(words, REVIEWER)
    assert head(flstr) == before
    assert len(flstr.settle()) == 1


def branch(flstr: Flstr, name: str, cluster_yaml: str) -> None:
    """A branch off the newest revision, which says something else of the machines."""
    flstr.cluster.pull()
    git(flstr.cluster.work, "checkout", "-q", "-B", name)
    (flstr.cluster.work / "cluster.yaml").write_text(cluster_yaml)
    git(flstr.cluster.work, "commit", "-q", "-a", "-m", name)
    git(flstr.cluster.work, "push", "-q", str(flstr.cluster.bare), f"{name}:{name}")
    git(flstr.cluster.work, "checkout", "-q", "main")


def test_the_merge_of_a_branch_is_planned_on_top_of_what_came_since(flstr: Flstr) -> None:
    flstr.settle()
    branch(flstr, "feature/more", THREE_WORKERS)
    flstr.ask("scale influencer 3")
    flstr.settle()
    before = head(flstr)
    said = flstr.ask("plan feature/more", REVIEWER)
    assert said.startswith("*What `the merge of feature/more` would change*")
    assert "rent worker103" in said
    assert "scale influencer" not in said, "what came since stays in the merge"
    commit = git(flstr.cluster.bare, "rev-parse", "feature/more")
    assert "rent worker103" in flstr.ask(f"plan {commit[:10]}")
    assert head(flstr) == before
    answered = flstr.answered("plan feature/mroe")
    assert answered.instead == "plan feature/more"
    assert "has no branch or revision 'feature/mroe'; did you mean feature/more?" in answered.answer


def test_conflicts_are_said_by_file(flstr: Flstr) -> None:
    flstr.settle()
    branch(flstr, "other", THREE_WORKERS)
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS.replace("    count: 3\n", "    count: 4\n")})
    assert flstr.ask("plan other") == "other cannot be merged as it is: there are conflicts in cluster.yaml."


def test_a_branch_whose_merge_would_be_refused_says_why(flstr: Flstr) -> None:
    flstr.settle()
    branch(flstr, "bad", CLUSTER_YAML.replace("role: worker", "role: wroker"))
    assert "cluster.yaml:" in flstr.ask("plan bad")
