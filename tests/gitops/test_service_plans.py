"""Services come, change, move and go by their manifests; what is told to whom, and in which order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.plan.services import service_plans
from gitops.preempt import why_superseded
from gitops.releases import wanted
from model import service_keys
from model.names import NodeName
from model.operation import Operation, OperationStatus, Origin
from model.registered import ServiceInstance
from model.service_steps import ApplyService, LeadService
from model.steps import Plan, StartInstance, WriteKeys
from tests.gitops.service_scene import ONE, THREE, TWO, Fleet, cache_yaml, cluster_yaml, installed, only, titles, wants

MACHINES = (ONE, TWO, THREE)


def test_a_new_service_is_let_in_then_set_up_and_routed_to_at_last() -> None:
    fleet, manifests = Fleet(), wants(cache_yaml())
    change = only(fleet, manifests)
    assert (change.title, change.locks) == ("install cache", ("service-cache",))
    assert titles(change) == [
        "announce cache on service101",
        "open the port of cache",
        "install cache on service101",
        "register cache",
        "route to cache",
    ]
    first, last = change.steps[0].step, change.steps[3].step
    assert isinstance(first, WriteKeys)
    assert isinstance(last, WriteKeys)
    # Firewalls follow the instances; HAProxy knows nothing before the meta_data is there.
    assert set(first.put) == {service_keys.instance("cache", ONE), service_keys.installed("cache")}
    assert set(last.put) == {service_keys.meta_data("cache")}
    assert change.steps[3].after == ("apply",)


def test_what_is_installed_and_unchanged_is_left_alone() -> None:
    fleet, manifests = installed(), wants(cache_yaml())
    assert fleet.plan(manifests).changes == ()
    assert not fleet.plan(manifests).removal.steps


def test_the_same_plan_is_made_again_after_one_that_failed_and_so_is_not_tried_by_itself() -> None:
    fleet, manifests = Fleet(), wants(cache_yaml((ONE, TWO)))
    change = only(fleet, manifests)
    for done in range(1, len(change.steps) - 1):
        fleet.do(change.steps[done - 1].step)
        assert only(fleet, manifests) == change
    more = wants(cache_yaml((ONE, TWO), "variables: {redis_maxmemory: 64mb}\n"))
    fleet = installed(ONE, TWO)
    before = only(fleet, more)
    assert only(fleet, more) == before


def test_a_changed_variable_runs_the_playbook_and_a_new_publish_port_does_not() -> None:
    fleet = installed()
    change = only(fleet, wants(cache_yaml(more="variables: {redis_maxmemory: 64mb}\n")))
    assert (change.title, titles(change)) == ("bring cache up to date", ["set up cache on service101"])
    elsewhere = wants(cache_yaml().replace("6380", "6390"))
    assert titles(only(fleet, elsewhere)) == ["note what cache is to be like", "register cache", "route to cache"]
    fleet.follow(elsewhere)
    assert fleet.plan(elsewhere).changes == ()


@pytest.mark.parametrize("more", ["backup: {keep: 30}\n", "within: 1h\n"])
def test_what_concerns_flstr_alone_is_noted_and_no_playbook_runs(more: str) -> None:
    fleet, manifests = installed(), wants(cache_yaml(more=more))
    assert titles(only(fleet, manifests)) == ["note what cache is to be like"]
    fleet.follow(manifests)
    assert fleet.record().service == manifests.services["cache"]


def test_a_new_prefix_reaches_the_apps() -> None:
    fleet = Fleet()
    fleet.follow(wants(cache_yaml(), needs="cache"))
    manifests = wants(cache_yaml().replace("env_prefix: CACHE", "env_prefix: STORE"), needs="cache")
    assert fleet.follow(manifests) == ["bring cache up to date", "restart influencer with its new settings"]


def test_a_port_of_its_own_is_let_in_before_anything_listens_there() -> None:
    change = only(installed(), wants(cache_yaml(more="port: 7000\n")))
    assert titles(change) == ["announce cache on service101", "open the port of cache", "set up cache on service101"]


def test_what_is_missing_of_its_registration_is_written_anew() -> None:
    fleet = installed()
    del fleet.found[service_keys.instance("cache", ONE)]
    assert titles(only(fleet, wants(cache_yaml()))) == ["register cache", "route to cache"]


def test_another_machine_becomes_a_replica() -> None:
    fleet, manifests = installed(), wants(cache_yaml((ONE, TWO)))
    change = only(fleet, manifests)
    assert change.title == "add a replica of cache on service102"
    apply = next(planned.step for planned in change.steps if isinstance(planned.step, ApplyService))
    assert (apply.nodes, apply.leader, apply.leaving) == ((ONE, TWO), ONE, ())
    fleet.follow(manifests)
    assert fleet.record().nodes == (ONE, TWO)


def test_a_service_moves_by_way_of_a_replica_that_takes_over() -> None:
    fleet, manifests = installed(), wants(cache_yaml((TWO,)))
    change = only(fleet, manifests)
    assert change.title == "move cache from service101 to service102"
    assert titles(change) == [
        "announce cache on service102",
        "open the port of cache",
        "set up cache on service102",
        "have service102 lead cache",
        "route to cache on service102",
        "send nobody to cache on service101 any more",
        "route no more to cache on service101",
        "take cache off service101",
        "set up cache on service102 alone",
    ]
    apply = next(planned.step for planned in change.steps if planned.id == "apply")
    assert isinstance(apply, ApplyService)
    assert (apply.nodes, apply.leaving, apply.leader) == ((TWO,), (ONE,), ONE)
    fleet.carry_out(change)
    assert (fleet.record().nodes, fleet.record().leader) == ((TWO,), TWO)
    assert fleet.plan(manifests).changes == ()
    assert service_keys.instance("cache", ONE) not in fleet.found


def test_an_app_comes_once_what_it_needs_is_there_and_holds_up_no_other() -> None:
    fleet, manifests = Fleet(), wants(cache_yaml(), needs="cache")
    assert [change.title for change in fleet.plan(manifests).changes] == ["install cache"]
    assert fleet.follow(manifests) == ["install cache", "deploy influencer@11111111"]
    with_other = wants(cache_yaml(), needs="cache")
    alone = wants(cache_yaml())
    assert [change.title for change in Fleet().plan(alone).changes] == ["deploy influencer@11111111", "install cache"]
    assert fleet.plan(with_other).changes == ()


def test_an_app_waits_for_the_password_of_its_user() -> None:
    text = "service: cache\nplaybook: mongodb\nnodes: [service101]\npublish: {port: 6380}\nenv_prefix: CACHE\n"
    fleet, before = Fleet(), wants(text)
    fleet.follow(before)
    after = wants(text + "users: {site: {apps: [influencer]}}\n", needs="cache")
    assert [change.title for change in fleet.plan(after).changes] == ["bring cache up to date"]
    assert fleet.follow(after)[1] == "restart influencer with its new settings"


def test_machines_that_come_do_not_bring_an_app_before_its_service() -> None:
    fleet, manifests = Fleet(0), wants(cache_yaml(), needs="cache")
    (machines,) = fleet.plan(manifests).changes
    assert machines.locks == ("machines",)
    assert not any(isinstance(planned.step, StartInstance) for planned in machines.steps)
    assert fleet.plan(manifests, busy=["machines"]).changes == ()


def test_nothing_is_planned_of_what_is_being_changed_or_waits_for_machines_that_come() -> None:
    fleet, manifests = Fleet(1), wants(cache_yaml((ONE, TWO)))
    tree = fleet.tree(manifests)
    assert service_plans(manifests, tree, frozenset({"machines"})) == ()
    assert service_plans(manifests, tree, frozenset({"service-cache"})) == ()
    (change,) = service_plans(manifests, tree)
    assert "install cache on service101" in titles(change)


def test_what_was_registered_by_hand_stays_as_it_is() -> None:
    fleet, manifests = installed(), wants()
    del fleet.found[service_keys.installed("cache")]
    assert fleet.of_services(wants(cache_yaml())) == []
    assert not fleet.plan(manifests).removal.steps
    fleet.found[service_keys.instance("other", "main")] = ServiceInstance(node=ONE, ip="10.5.1.1", port=1).to_json()
    assert not fleet.plan(manifests).removal.steps


def test_who_leads_holds_the_data() -> None:
    fleet, manifests = installed(ONE, TWO, machines=3), wants(cache_yaml((TWO, THREE)))
    lead = next(planned.step for planned in only(fleet, manifests).steps if isinstance(planned.step, LeadService))
    assert lead.leader == TWO


on_some = st.lists(st.sampled_from(MACHINES), max_size=3, unique=True)
revisions = st.tuples(
    on_some, st.sampled_from(["", "variables: {redis_maxmemory: 64mb}\n", "port: 7000\n", "backup: {keep: 3}\n"])
)


@given(
    said=st.lists(st.tuples(revisions, st.sets(st.sampled_from(MACHINES), max_size=2)), min_size=1, max_size=5),
    stops=st.lists(st.integers(0, 9), max_size=3),
)
@settings(max_examples=25, deadline=None)
def test_from_wherever_it_stands_every_revision_is_reached(
    said: list[tuple[tuple[list[NodeName], str], set[NodeName]]], stops: list[int]
) -> None:
    """Whatever is given up, and wherever operations ended in the middle; nothing is planned any more at last."""
    fleet = Fleet(3)
    for (on, more), dead in said:
        manifests = wants(*([cache_yaml(on, more)] if on else []), cluster=cluster_yaml(3))
        fleet.dead = dead
        for stop in stops:
            for change in fleet.of_services(manifests):
                fleet.carry_out(Plan(title="", steps=change.steps[:stop]))
        fleet.follow(manifests)
    fleet.dead = set()
    fleet.follow(manifests)
    if on:
        assert (set(fleet.record().nodes), fleet.record().leader in on) == (set(on), True)
    else:
        assert not [key for key in fleet.found if "cache" in key]


@pytest.mark.parametrize("machines", [2, 3])
def test_the_same_trees_give_the_same_plan(machines: int) -> None:
    manifests = wants(cache_yaml((ONE, TWO)))
    assert Fleet(machines).of_services(manifests) == Fleet(machines).of_services(manifests)


def test_what_was_planned_for_another_leader_is_given_up_before_it_begins() -> None:
    fleet, changed = installed(ONE, TWO), wants(cache_yaml((ONE, TWO), "port: 7000\n"))
    planned = only(fleet, changed)
    operation = Operation(
        id="1", revision="a" * 40, plan=planned, status="queued", steps={}, created=0, origin=Origin(display="somebody")
    )

    def why(status: OperationStatus = "queued") -> str:
        tree = fleet.tree(changed)
        return why_superseded(operation.model_copy(update={"status": status}), wanted(changed, tree), tree)

    assert why() == ""
    fleet.do(LeadService(service="cache", leader=TWO))
    assert why() == "service102 leads service cache now"
    assert why("running") == ""
    # A move has somebody else lead by itself.
    moving = only(fleet, wants(cache_yaml((ONE,), "port: 7000\n")))
    assert any(isinstance(step.step, LeadService) for step in moving.steps)
    operation = operation.model_copy(update={"plan": moving})
    assert why() == ""
