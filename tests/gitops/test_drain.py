"""Drain and undrain, from what a person says to the commit; what a revision may say of drained machines; and status."""

import time

import pytest

from gitops import describe
from gitops.lint import check
from gitops.manifests import FaultyManifests
from model import keys
from model.operation import Intent, SyncState
from tests.gitops.flstr import DEVELOPER, OPERATOR, REVIEWER, THREE_WORKERS, Flstr
from tests.gitops.remote import git
from tests.gitops.scene import CLUSTER_YAML, NOON, files, instance, manifests, registered, spec

DRAINED = f"drained: [worker102]\n{CLUSTER_YAML}"


def test_a_drain_is_a_commit_under_the_persons_name_and_changes_that_list_alone(flstr: Flstr) -> None:
    flstr.settle()
    answer = flstr.ask("drain worker102", DEVELOPER)
    flstr.cluster.pull()
    revision = git(flstr.cluster.work, "rev-parse", "HEAD")
    assert answer.splitlines()[-1] == (
        f"worker102 is to run no instance: committed as `{revision[:8]}`, flstr moves them to other workers."
    )
    log = git(flstr.cluster.work, "log", "-1", "--format=%an <%ae>%n%s%n%b")
    assert log.startswith("developer <developer@flstr.lab>\nDrain worker102\n")
    assert "Asked-as: /flstr drain worker102" in log
    text = CLUSTER_YAML.replace("cluster: flstr-lab\n", "drained: [worker102]\ncluster: flstr-lab\n")
    assert (flstr.cluster.work / "cluster.yaml").read_text() == text


def test_what_is_drained_runs_nothing_until_it_is_undrained(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("drain worker102")
    assert flstr.settle()[-1].status == "done"
    assert "worker102 (worker, 10.77.0.102), 0 instances, drained" in flstr.ask("status")
    flstr.ask("scale influencer 3")
    flstr.settle()
    assert {record.node for record in flstr.registry.read().apps["backend", "influencer"].instances.values()} == {
        "worker101"
    }
    assert "worker102 may run instances again: committed as" in flstr.ask("undrain worker102")
    flstr.settle()
    assert "worker102 (worker, 10.77.0.102), 1 instance\n" in flstr.ask("status")
    assert "changes nothing" in flstr.ask("plan")


def test_a_drain_that_was_committed_but_not_answered_is_not_committed_again(flstr: Flstr) -> None:
    flstr.settle()
    intent = flstr._intent("drain worker102", OPERATOR)
    flstr.store.put(keys.intent(intent.id), intent.to_json())
    first = flstr.desk.reply(intent).text
    head = git(flstr.cluster.bare, "rev-parse", "main")
    flstr.desk._answer(intent)
    assert Intent.model_validate_json(flstr.store.get(keys.intent(intent.id)) or "").answer == first.splitlines()[-1]
    assert git(flstr.cluster.bare, "rev-parse", "main") == head


@pytest.mark.parametrize(
    ("words", "user", "expected"),
    [
        ("drain worke102", OPERATOR, "There is no node called worke102; did you mean worker102?"),
        ("undrain worker103", OPERATOR, "There is no node called worker103; did you mean worker10"),
        (
            "drain ingress016",
            OPERATOR,
            "ingress016 has the role ingress and runs no instances; only workers are drained.",
        ),
        ("drain worker102", REVIEWER, "You may not drain; developer or operator may."),
        ("drain worker102", OPERATOR, "worker102 is drained already; nothing to do."),
        ("undrain worker101", OPERATOR, "worker101 is not drained; nothing to do."),
        (
            "drain worker101",
            OPERATOR,
            "worker101 is the last worker that may run instances, of influencer; "
            "add a worker, or undrain one, before you drain it.",
        ),
        ("scale worker 0", OPERATOR, "influencer has no worker to run on; add a pool of role worker"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence_and_changes_nothing(
    flstr: Flstr, words: str, user: str, expected: str
) -> None:
    flstr.cluster.push({"cluster.yaml": DRAINED})
    flstr.settle()
    head = git(flstr.cluster.bare, "rev-parse", "main")
    assert expected in flstr.ask(words, user)
    assert git(flstr.cluster.bare, "rev-parse", "main") == head


def test_a_worker_is_the_last_one_where_the_others_are_dead(flstr: Flstr) -> None:
    flstr.settle()
    flstr.store.put(keys.dead("worker102"), "1.000")
    assert "worker101 is the last worker that may run instances" in flstr.ask("drain worker101")
    assert "worker102 is to run no instance" in flstr.ask("drain worker102")


def test_where_nothing_runs_the_last_worker_may_be_drained(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("scale influencer 0 --yes")
    flstr.ask("drain worker101")
    assert "worker102 is to run no instance" in flstr.ask("drain worker102")


def test_a_drained_machine_that_its_pool_gives_up_is_drained_no_more(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": f"drained: [worker101, worker103]  # disks\n{THREE_WORKERS}"})
    flstr.settle()
    assert "worker 3 → 2: committed as" in flstr.ask("scale worker 2")
    flstr.cluster.pull()
    text = (flstr.cluster.work / "cluster.yaml").read_text()
    assert text == f"drained: [worker101]  # disks\n{CLUSTER_YAML}"


@pytest.mark.parametrize(
    ("drained", "fault"),
    [
        ("[worker101, worker109]", "cluster.yaml:1: worker109 is drained and in no pool; take it out of the list"),
        (
            "\n  - worker101\n  - ingress016",
            "cluster.yaml:3: ingress016 has the role ingress and runs no instances; only workers are drained",
        ),
        (
            "[worker101, worker102]",
            "influencer has no worker to run on: all are drained; undrain one of them",
        ),
    ],
)
def test_what_is_drained_is_a_worker_of_a_pool_and_leaves_one(drained: str, fault: str) -> None:
    with pytest.raises(FaultyManifests) as faulty:
        check(files({"cluster.yaml": f"drained: {drained}\n{CLUSTER_YAML}"}))
    assert fault in str(faulty.value)


def test_status_shows_what_is_drained_and_what_is_silent() -> None:
    tree = registered(instances={f"1-{spec()}": instance("worker101")})
    tree = tree.model_copy(update={"dead": {"worker102": time.time() - 190, "ingress016": time.time() - 7300}})
    cluster = manifests(DRAINED).cluster
    text = describe.status(cluster, tree, [], SyncState(), NOON)
    assert "• worker101 (worker, 10.77.0.101), 1 instance\n" in text
    assert "• worker102 (worker, 10.77.0.102), 0 instances, drained, has not answered for 3 minutes\n" in text
    assert "• ingress016 (ingress, 10.77.0.16), has not answered for 2 hours\n" in text
    assert describe.node(tree.nodes["worker102"], tree, cluster).endswith(", drained, has not answered for 3 minutes")
