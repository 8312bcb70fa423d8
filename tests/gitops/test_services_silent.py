"""Services whose machines are silent, given up or destroyed: what goes on without them, and what waits."""

import pytest

from gitops.manifests import Manifests
from model import keys
from model.names import NodeName
from model.service_steps import ApplyService, RemoveService
from tests.gitops.service_scene import ONE, THREE, TWO, Fleet, cache_yaml, cluster_yaml, installed, only, titles, wants

MACHINES = (ONE, TWO, THREE)


def test_where_the_leader_is_given_up_another_one_leads_at_once() -> None:
    fleet, manifests = installed(ONE, TWO), wants(cache_yaml((ONE, TWO)))
    fleet.dead.add(ONE)
    change = only(fleet, manifests)
    assert change.title == "have service102 lead cache"
    assert titles(change)[:2] == ["have service102 lead cache", "route to cache on service102"]
    fleet.carry_out(change)
    assert (fleet.record().nodes, fleet.record().leader) == ((TWO,), TWO)
    assert fleet.of_services(manifests) == []
    fleet.dead.clear()
    assert only(fleet, manifests).title == "add a replica of cache on service101"
    fleet.follow(manifests)
    assert (fleet.record().nodes, fleet.record().leader) == ((ONE, TWO), TWO)


def test_a_replica_that_is_silent_changes_nothing_and_what_changes_meanwhile_reaches_it_later() -> None:
    fleet, manifests = installed(ONE, TWO), wants(cache_yaml((ONE, TWO)))
    fleet.silent.add(TWO)
    assert fleet.of_services(manifests) == []
    changed = wants(cache_yaml((ONE, TWO), "variables: {redis_maxmemory: 64mb}\n"))
    assert titles(only(fleet, changed)) == ["set up cache on service101"]
    fleet.follow(changed)
    fleet.silent.clear()
    assert "set up cache on service101, service102" in titles(only(fleet, changed))


def test_where_no_machine_answers_it_waits_and_says_so() -> None:
    fleet = installed()
    fleet.dead.add(ONE)
    plans = fleet.plan(wants(cache_yaml()))
    assert [change.title for change in plans.changes if "cache" in change.title] == []
    assert plans.stays == ("service cache waits: service101 does not answer",)


def test_one_without_data_does_not_lead_in_the_place_of_the_machine_that_has_all_of_it() -> None:
    fleet, manifests = installed(), wants(cache_yaml((ONE, TWO)))
    fleet.dead.add(ONE)
    plans = fleet.plan(manifests)
    assert fleet.of_services(manifests) == []
    assert plans.stays == ("service cache waits for service101, which alone holds its data",)


@pytest.mark.parametrize("playbook", ["mongodb", "elasticsearch", "nginx"])
def test_none_is_founded_beside_a_machine_with_all_the_data_that_is_silent(playbook: str) -> None:
    def on(*nodes: NodeName) -> Manifests:
        return wants(cache_yaml(nodes).replace("redis", playbook))

    fleet = Fleet()
    fleet.follow(on(ONE))
    fleet.silent.add(ONE)
    assert fleet.of_services(on(ONE, TWO)) == []
    assert fleet.plan(on(ONE, TWO)).stays == ("service cache waits for service101, which alone holds its data",)
    fleet.silent.clear()
    assert only(fleet, on(ONE, TWO)).title == "add cache on service102"


def test_a_machine_that_is_silent_stays_one_of_the_service_until_it_is_destroyed() -> None:
    def on(*nodes: NodeName, more: str = "") -> Manifests:
        return wants(cache_yaml(nodes, more).replace("redis", "mongodb"), cluster=cluster_yaml(3))

    def applied(manifests: Manifests) -> ApplyService:
        return next(one.step for one in only(fleet, manifests).steps if isinstance(one.step, ApplyService))

    fleet, changed = Fleet(3), on(*MACHINES, more="users: {site: {}}\n")
    fleet.follow(on(*MACHINES))
    fleet.silent.add(THREE)
    assert (applied(changed).nodes, applied(changed).silent) == ((ONE, TWO), (THREE,))
    fleet.follow(changed)
    assert fleet.of_services(changed) == []
    more = on(*MACHINES, more="users: {site: {}, shop: {}}\n")
    assert applied(more).silent == (THREE,)
    fleet.follow(more)
    # It is rented anew, or comes back.
    del fleet.found[keys.node(THREE)]
    assert (applied(more).nodes, applied(more).silent) == ((ONE, TWO), ())
    fleet.join(THREE)
    fleet.silent.clear()
    assert applied(more).nodes == MACHINES


def test_one_that_was_silent_goes_on_where_the_other_was_destroyed() -> None:
    fleet, changed = installed(ONE, TWO), wants(cache_yaml((ONE, TWO), "port: 7000\n"))
    fleet.silent.add(TWO)
    fleet.follow(changed)
    fleet.silent.clear()
    fleet.dead.add(ONE)
    assert fleet.of_services(changed) == []
    assert fleet.plan(changed).stays == ("service cache waits for service101, which alone holds its data",)
    del fleet.found[keys.node(ONE)]
    fleet.dead.clear()
    fleet.carry_out(only(fleet, changed))
    assert (fleet.record().nodes, fleet.record().leader) == ((TWO,), TWO)
    assert fleet.of_services(changed) == []


def test_it_does_not_begin_anew_elsewhere_while_the_machine_with_all_its_data_may_come_back() -> None:
    fleet, manifests = installed(), wants(cache_yaml((TWO,)))
    fleet.dead.add(ONE)
    assert fleet.of_services(manifests) == []
    (why,) = fleet.plan(manifests).stays
    assert why == (
        "service cache waits for service101, which alone holds its data; it begins anew without them after "
        "`flstr destroy service101`"
    )
    fleet.dead.clear()
    assert only(fleet, manifests).title == "move cache from service101 to service102"
    fleet.dead.add(ONE)
    # Somebody approves that it is destroyed.
    fleet.follow(wants(cache_yaml((TWO,)), cluster=cluster_yaml(1, without=(ONE,))))
    assert (fleet.record().nodes, fleet.record().leader) == ((TWO,), TWO)


def test_it_leaves_no_machine_that_is_silent_before_that_answers_or_is_given_up() -> None:
    fleet, manifests = installed(ONE, TWO), wants(cache_yaml((ONE,)))
    fleet.silent.add(TWO)
    assert fleet.of_services(manifests) == []
    assert fleet.plan(manifests).stays == (
        "service cache cannot leave before service102 answers again, or is given up",
    )
    fleet.dead.add(TWO)
    assert not any(isinstance(planned.step, RemoveService) for planned in only(fleet, manifests).steps)
    fleet.follow(manifests)
    assert fleet.record().nodes == (ONE,)
