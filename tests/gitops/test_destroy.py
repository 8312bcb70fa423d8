"""Any machine of a pool can be given back, not just the last one; its name is not used again."""

import pytest

from gitops.lint import check
from gitops.manifests import FaultyManifests
from gitops.verbs.commits import Commits
from gitops.verbs.committing import Committing
from gitops.verbs.desk import Request
from gitops.verbs.drain import Drain
from model.cluster import Cluster
from model.pools import Pool
from tests.gitops.flstr import OPERATOR, REVIEWER, THREE_WORKERS, Flstr
from tests.gitops.scene import CLUSTER_YAML, files

FIVE = CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 5\n    first: 101")


def test_names_are_counted_without_those_that_are_left_out() -> None:
    pool = Pool(role="worker", count=3, first=101, without=("worker102", "worker104"))
    assert Cluster.names_of("worker", pool) == ("worker101", "worker103", "worker105")


def test_a_machine_in_the_middle_goes_after_an_approval_and_its_name_stays_unused(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": f"drained: [worker102]\n{THREE_WORKERS}"})
    flstr.settle()
    answer = flstr.answer("destroy worker102")
    assert "• after an approval: destroy worker102\nworker102 is to go: committed as" in answer
    text = flstr.cluster.file("cluster.yaml")
    assert "without: [worker102]\n" in text
    assert "drained: []" in text
    assert "    count: 2\n    first: 101" in text
    waiting = flstr.settle()[-1]
    assert (waiting.status, waiting.plan.losses and waiting.plan.losses.nodes) == ("awaiting_approval", ("worker102",))
    assert flstr.ask("destroy worker102").startswith("That waits for an approval")
    flstr.ask(f"approve {waiting.id} worker102", REVIEWER)
    flstr.settle()
    workers = [name for name in flstr.registry.read().nodes if name.startswith("worker")]
    assert workers == ["worker101", "worker103"]
    flstr.ask("scale worker 3", OPERATOR)
    flstr.settle()
    workers = [name for name in flstr.registry.read().nodes if name.startswith("worker")]
    assert workers == ["worker101", "worker103", "worker104"]
    assert flstr.ask("destroy worker102") == "worker102 is to be destroyed already: the pool worker is without it."


def test_the_last_machine_only_lowers_the_count(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert "worker has 2 of its machines then" in flstr.ask("destroy worker103")
    assert flstr.cluster.file("cluster.yaml") == CLUSTER_YAML


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "destroy worker101",
            "worker101 is the last worker that may run instances, of influencer; add a worker, or undrain one, before "
            "you destroy it.",
        ),
        ("destroy ingress016", "influencer has no ingress to serve it"),
    ],
)
def test_what_apps_cannot_do_without_stays(flstr: Flstr, words: str, sentence: str) -> None:
    flstr.cluster.push({"cluster.yaml": f"drained: [worker102]\n{CLUSTER_YAML}"})
    flstr.settle()
    assert sentence in flstr.ask(words)


@pytest.mark.parametrize("name", ["worker100", "ingress102", "worker0102"])
def test_a_pool_is_without_names_of_its_own_alone(name: str) -> None:
    text = CLUSTER_YAML.replace("    first: 101", f"    first: 101\n    without: [{name}]")
    with pytest.raises(FaultyManifests) as faulty:
        check(files({"cluster.yaml": text}))
    assert f"{name} is no name of the pool worker, which counts from worker101" in str(faulty.value)


def test_two_that_are_destroyed_at_the_same_time_both_go_and_no_other_comes(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": FIVE})
    flstr.settle()
    # Both were decided before either was committed.
    requests = [request(flstr, f"destroy {node}") for node in ("worker105", "worker103")]
    commits = Commits(flstr.worker._revisions.repo, flstr.worker.wake)
    decided = [Drain(commits, flstr.registry.dead).destroy(one) for one in requests]
    for one, change in zip(requests, decided, strict=True):
        Committing(commits, flstr.registry, flstr.operations)._carry_out(one, change)
    flstr.approve(flstr.settle()[-1], REVIEWER)
    flstr.settle()
    workers = [name for name in flstr.registry.read().nodes if name.startswith("worker")]
    assert workers == ["worker101", "worker102", "worker104"]


@pytest.mark.parametrize("words", ["destroy worker103", "remove influencer"])
def test_a_controller_that_was_killed_before_it_answered_leaves_the_right_answer(flstr: Flstr, words: str) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    intent = flstr._intent(words, OPERATOR)
    flstr.desk.reply(intent)
    again = flstr.desk.reply(intent)
    assert (again.text[:22], again.instead) == ("That is committed as `", "")


def request(flstr: Flstr, words: str) -> Request:
    """What a person asks, as far as it was let through."""
    return Request(flstr._intent(words, OPERATOR), "operator", "operator@flstr.lab", flstr.registry.cluster())
