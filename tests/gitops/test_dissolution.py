"""The end of a whole cluster: by one verb, one commit, one approval with its name typed."""

from collections.abc import Callable
from typing import Any

import pytest

from gitops.orphans import typed_names
from gitops.plan import plan
from gitops.plan_changes import plan_changes
from model.errors import StepFailed
from model.registered import FloatingRecord, Orphan, Registered
from model.steps import Plan
from tests.gitops.flstr import OPERATOR, REVIEWER, Flstr
from tests.gitops.scene import CLUSTER_YAML, FLOATING, instance, manifests, registered, spec

SPEC = spec()
RUNNING = {f"1-{SPEC}": instance("worker101"), f"2-{SPEC}": instance("worker102")}
ENDING = f"dissolved: true\n{CLUSTER_YAML}"
NAME = manifests().cluster.cluster
EVERYTHING = {
    "names": {"worker101.flstr.lab": ("10.77.0.101",)},
    "floating_ips": {"public": FloatingRecord(ip=FLOATING, node="ingress016")},
    "orphans": {"volume-7": Orphan(kind="volume", id=7, name="data", since=0)},
}


def ending(tree: Registered) -> Plan:
    plans = plan(manifests(ENDING), tree)
    assert plans.changes == ()
    return plans.removal


def after(what: Plan) -> dict[str, tuple[str, ...]]:
    return {step.id: step.after for step in what.steps}


def test_everything_goes_and_nothing_is_moved() -> None:
    removal = ending(registered(instances=RUNNING).model_copy(update=EVERYTHING))
    assert [step.title for step in removal.steps] == [
        "take every name of the cluster out of DNS",
        "serve influencer no more",
        "give back floating IP public",
        "give back volume data (7)",
        "destroy ingress016",
        "destroy worker101",
        "destroy worker102",
        "destroy controller001, and give back whatever else bears the label",
    ]
    assert removal.title == f"end the cluster {NAME}"
    losses = removal.losses
    assert losses is not None
    assert (losses.cluster, losses.moved, losses.remaining) == (NAME, (), ())
    assert losses.nodes == ("controller001", "ingress016", "worker101", "worker102")
    assert (losses.apps, losses.floating_ips, losses.orphans) == (("influencer",), ("public",), ("volume data (7)",))


def test_nobody_is_led_there_any_more_before_anything_goes_and_the_controllers_go_last() -> None:
    waits = after(ending(registered(instances=RUNNING).model_copy(update=EVERYTHING)))
    assert waits["unserve"] == ("names",)
    for step in ("give-back-public", "orphan-volume-7", "destroy-ingress016", "destroy-worker101"):
        assert waits[step] == ("unserve",)
    assert set(waits["end"]) == waits.keys() - {"end", "names"}


def test_its_name_is_all_that_has_to_be_typed() -> None:
    assert typed_names(ending(registered(instances=RUNNING).model_copy(update=EVERYTHING))) == (NAME,)


def test_where_only_controllers_are_left_it_goes_on_with_them() -> None:
    tree = registered(workers=0)
    alone = tree.without_nodes(["ingress016"])
    hosts = {"controller001": tree.hosts["controller001"]}
    removal = ending(alone.model_copy(update={"apps": {}, "ingress": {}, "hosts": hosts}))
    assert [step.id for step in removal.steps] == ["end"]


def test_a_cluster_that_is_gone_needs_nothing() -> None:
    assert ending(Registered()).steps == ()


def test_while_it_waits_no_floating_ip_is_rented_any_more() -> None:
    text = CLUSTER_YAML + "floating_ips:\n  public: {pool: ingress}\n"
    tree = registered(instances=RUNNING)
    assert any("floating IP public" in change.title for change in plan(manifests(text), tree).changes)
    assert plan(manifests(f"dissolved: true\n{text}"), tree).changes == ()


def test_a_machine_is_not_told_of_an_address_that_was_given_back_before_itself() -> None:
    tree = registered(instances=RUNNING).model_copy(update={"floated": {"ingress016": ("192.0.2.7",)}})
    assert [change.title for change in plan(manifests(), tree).changes] == [
        "have ingress016 let go of old floating IPs"
    ]
    assert plan(manifests(ENDING), tree).changes == ()


def test_a_card_says_what_became_of_it() -> None:
    tree = registered(workers=3, instances=RUNNING)
    one, whole = plan(manifests(), tree).removal, ending(tree)
    assert f"takes the whole cluster {NAME} down" in plan_changes(one, whole)
    assert f"keeps the cluster {NAME}" in plan_changes(whole, one)


@pytest.fixture
def waiting(flstr: Flstr) -> str:
    """The id of the operation that waits for leave to end the cluster."""
    flstr.settle()
    flstr.ask(f"destroy {NAME} --yes")
    operation = flstr.settle()[-1]
    assert (operation.status, operation.plan.title) == ("awaiting_approval", f"end the cluster {NAME}")
    return operation.id


def test_the_verb_shows_what_goes_and_asks_back_before_it_commits(flstr: Flstr) -> None:
    flstr.settle()
    answered = flstr.answered(f"destroy {NAME}")
    assert f"after an approval: end the cluster {NAME}" in answered.answer
    assert answered.instead == f"destroy {NAME} --yes"
    assert flstr.cluster.file("cluster.yaml") == CLUSTER_YAML
    assert "committed as" in flstr.ask(f"destroy {NAME} --yes")
    assert "dissolved: true" in flstr.cluster.file("cluster.yaml").splitlines()
    assert flstr.ask(f"plan destroy {NAME}") != ""


def test_it_waits_for_the_clusters_own_name(flstr: Flstr, waiting: str) -> None:
    assert "so type its name" in flstr.ask(f"approve {waiting}", REVIEWER)
    assert "This destroys" in flstr.ask(f"approve {waiting} worker101 worker102", REVIEWER)
    assert flstr.registry.read().nodes


def test_once_approved_nothing_is_left_and_nothing_is_built_again(flstr: Flstr, waiting: str) -> None:
    flstr.ask(f"approve {waiting} {NAME}", REVIEWER)
    ended = flstr.settle()[-1]
    assert (ended.id, ended.status) == (waiting, "done")
    tree = flstr.registry.read()
    assert (tree.nodes, tree.hosts, tree.apps, tree.ingress, tree.floating_ips) == ({}, {}, {}, {}, {})
    assert flstr.pretend.done[-1] == "cluster.end"
    flstr.ask("sync")
    assert flstr.settle()[-1].id == waiting


def test_whoever_takes_it_back_before_voids_the_card(flstr: Flstr, waiting: str) -> None:
    flstr.cluster.pull()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    flstr.settle()
    assert "decides nothing" in flstr.ask(f"approve {waiting} {NAME}", REVIEWER)
    assert len(flstr.registry.read().nodes) == 4


def test_whoever_takes_it_back_in_the_middle_keeps_what_is_left(flstr: Flstr, waiting: str) -> None:
    def before(step: Any) -> None:
        if step.kind == "node.destroy" and not taken:
            taken.append(step.node)
            flstr.cluster.pull()
            flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})

    taken: list[str] = []
    flstr.pretend.before = before
    flstr.ask(f"approve {waiting} {NAME}", REVIEWER)
    flstr.settle()
    assert "cluster.end" not in flstr.pretend.done
    assert "controller001" in flstr.registry.read().nodes


@pytest.mark.parametrize("kind", ["registry.write", "node.destroy", "cluster.end"])
def test_a_step_that_fails_leaves_what_can_be_asked_for_again(flstr: Flstr, waiting: str, kind: str) -> None:
    flstr.pretend.before = _fail_once(kind)
    flstr.ask(f"approve {waiting} {NAME}", REVIEWER)
    again = flstr.settle()[-1]
    assert again.status == "awaiting_approval"
    flstr.approve(again, REVIEWER)
    again = flstr.settle()[-1]
    assert again.status == "done"
    assert flstr.registry.read().hosts == {}


def _fail_once(kind: str) -> Callable[[Any], None]:
    failed: list[str] = []

    def before(step: Any) -> None:
        if step.kind == kind and not failed:
            failed.append(kind)
            raise StepFailed("it did not work")

    return before


def test_a_typing_error_is_told(flstr: Flstr) -> None:
    flstr.settle()
    assert "worker101" in flstr.ask("destroy worker10", OPERATOR)
