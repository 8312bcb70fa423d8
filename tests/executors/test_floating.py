"""Floating IPs held, handed over and given back, against the lab's cloud; what the machines do is canned here."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

import pytest

from executors.floating import Floating
from executors.floating_files import floating_script
from gitops.plan.floating import floating_plans
from gitops.store import Store
from model import keys
from model.errors import Fenced, StepFailed
from model.steps import GiveBackFloatingIp, HoldFloatingIp, SettleFloatingIps
from tests.executors.public_field import PublicField
from tests.gitops.public import FIRST, FLOATING_IP, SECOND
from tests.lab.cloud.running_cloud import RunningCloud


@pytest.fixture
def field(store: Store, cloud: RunningCloud) -> PublicField:
    return PublicField(store, cloud, FLOATING_IP)


@pytest.fixture
def floating(field: PublicField) -> Floating:
    return Floating(field.remote, field.settings)


def hold(floating: Floating, field: PublicField, node: str = FIRST, name: str = "public") -> IPv4Address:
    floating.hold(HoldFloatingIp(name=name, node=node, location="fsn1"), field.context)
    return field.registry.read().floating_ips[name].ip


def holder(field: PublicField, name: str = "public") -> str | None:
    return field.registry.read().floating_ips[name].node


def test_it_is_rented_taken_and_sent_there(floating: Floating, field: PublicField) -> None:
    ip = hold(floating, field)
    assert field.remote.ran == [(FIRST, floating_script([ip]))]
    assert field.route(ip) == FIRST
    registered = field.registry.read()
    assert (holder(field), registered.floated) == (FIRST, {FIRST: (str(ip),)})
    assert floating_plans(field.registry.cluster(), registered) == ()


def test_a_second_time_changes_nothing_in_the_cloud(
    floating: Floating, field: PublicField, cloud: RunningCloud
) -> None:
    hold(floating, field)
    cloud.api.requests.requests.clear()
    hold(floating, field)
    assert {one.method for one in cloud.api.requests.requests} == {"GET"}


def test_the_machine_takes_it_before_the_cloud_sends_anybody_there(floating: Floating, field: PublicField) -> None:
    ip = hold(floating, field)
    led: list[str | None] = []

    def see(_node: str, _script: str) -> str:
        led.append(field.route(ip))
        return ""

    field.on = see
    hold(floating, field, SECOND)
    assert led == [FIRST]
    assert (field.route(ip), holder(field)) == (SECOND, SECOND)


def test_a_machine_that_is_not_reached_gets_nothing_and_the_old_one_keeps_it(
    floating: Floating, field: PublicField
) -> None:
    ip = hold(floating, field)

    def away(node: str, _script: str) -> str:
        raise StepFailed(f"{node}: no SSH connection")

    field.on = away
    with pytest.raises(StepFailed, match="no SSH connection"):
        hold(floating, field, SECOND)
    assert (field.route(ip), holder(field)) == (FIRST, FIRST)


def test_two_that_come_at_once_leave_each_other_alone(floating: Floating, field: PublicField) -> None:
    with ThreadPoolExecutor(2) as pool:
        ips = list(pool.map(lambda name: hold(floating, field, SECOND, name), ("public", "other")))
    assert field.registry.read().floated == {SECOND: tuple(sorted(map(str, ips)))}
    assert field.remote.ran[-1] == (SECOND, floating_script(ips))


def test_one_that_moved_is_let_go_of_and_the_others_are_kept(floating: Floating, field: PublicField) -> None:
    moved, kept = hold(floating, field), hold(floating, field, name="other")
    hold(floating, field, SECOND)
    floating.settle(SettleFloatingIps(nodes=(FIRST,), names=("public",)), field.context)
    assert field.remote.ran[-1] == (FIRST, floating_script([kept]))
    assert field.registry.read().floated == {FIRST: (str(kept),), SECOND: (str(moved),)}


def test_one_machine_that_fails_holds_up_no_other(floating: Floating, field: PublicField) -> None:
    ip = hold(floating, field)
    field.store.put(keys.floated(FIRST), f"{ip} 10.78.0.99")
    field.store.put(keys.floated(SECOND), "10.78.0.99")

    def first_is_away(node: str, _script: str) -> str:
        if node == FIRST:
            raise StepFailed(f"{node}: no SSH connection")
        return ""

    field.on = first_is_away
    with pytest.raises(StepFailed, match=f"^{FIRST}: no SSH connection$"):
        floating.settle(SettleFloatingIps(nodes=(FIRST, SECOND)), field.context)
    assert field.registry.read().floated == {FIRST: (str(ip), "10.78.0.99")}


def test_a_machine_that_has_left_is_told_nothing(floating: Floating, field: PublicField) -> None:
    floating.settle(SettleFloatingIps(nodes=("ingress099",), names=("public",)), field.context)
    assert field.remote.ran == []


def test_what_is_given_back_costs_nothing_any_more(floating: Floating, field: PublicField, cloud: RunningCloud) -> None:
    hold(floating, field)
    for _ in range(2):
        floating.give_back(GiveBackFloatingIp(name="public"), field.context)
        assert cloud.client.floating_ips.get_all() == []
    assert field.registry.read().floating_ips == {}
    assert field.said[-2:] == ["it is given back", "it was gone already"]
    (left,) = floating_plans(field.registry.cluster(), field.registry.read())[1:]
    assert left.title == f"have {FIRST} let go of old floating IPs"


def test_one_that_was_made_anew_in_the_console_is_followed(
    floating: Floating, field: PublicField, cloud: RunningCloud
) -> None:
    before = hold(floating, field)
    cloud.client.floating_ips.get_by_name("public").delete()
    cloud.client.floating_ips.create("ipv4", home_location=cloud.client.locations.get_by_name("fsn1"), name="else")
    after = hold(floating, field, SECOND)
    assert after != before
    assert (field.route(after), holder(field)) == (SECOND, SECOND)


def test_whoever_was_overtaken_changes_nothing(floating: Floating, field: PublicField, cloud: RunningCloud) -> None:
    ip = hold(floating, field)

    def be_overtaken(_node: str, _script: str) -> str:
        field.overtake()
        return ""

    field.on = be_overtaken
    with pytest.raises(Fenced):
        hold(floating, field, SECOND)
    assert field.route(ip) == FIRST
    for work in (
        lambda: hold(floating, field, SECOND),
        lambda: floating.give_back(GiveBackFloatingIp(name="public"), field.context),
    ):
        with pytest.raises(Fenced):
            work()
    assert len(cloud.client.floating_ips.get_all()) == 1
