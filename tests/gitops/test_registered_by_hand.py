"""What somebody registers or takes away in etcd by hand: the worker sees it by itself, and the files follow."""

import itertools

import pytest

from gitops.routed import routing_digest, wrongly_routed
from model import keys
from model.errors import Unreadable
from model.operation import Operation
from model.registered import InstanceRecord, ServiceInstance
from model.steps import Step
from tests.gitops.flstr import Flstr
from tests.gitops.pretend import fail_at

UP_TO_DATE = "bring the routing up to date"
META = '{"publish": {"port": 6379}, "env_prefix": "REDIS", "env": {"PROTOCOL": "tcp"}}'


def titles(operations: list[Operation]) -> list[str]:
    return [operation.plan.title for operation in operations]


def move(flstr: Flstr, port: int) -> None:
    """Have an instance registered at another port, which concerns nothing but the routing."""
    instance, record = next(iter(flstr.registry.read().apps["backend", "influencer"].instances.items()))
    moved = InstanceRecord.model_validate({**record.model_dump(), "port": port})
    flstr.store.put(keys.instance("backend", "influencer", instance), moved.to_json())


def test_an_instance_that_is_registered_elsewhere_is_brought_into_the_files(flstr: Flstr) -> None:
    before = len(flstr.settle())
    move(flstr, 25000)
    operations = flstr.settle()
    assert titles(operations[before:]) == [UP_TO_DATE]
    assert operations[-1].origin.place == "by itself"
    assert wrongly_routed(flstr.registry.read()) == ()


def test_the_same_change_is_brought_into_the_files_as_often_as_it_comes(flstr: Flstr) -> None:
    before = len(flstr.settle())
    for port in (25000, 25001, 25000):
        move(flstr, port)
        flstr.settle()
    assert titles(flstr.operations.all()[before:]) == [UP_TO_DATE] * 3


def test_a_service_that_registers_itself_is_routed_to(flstr: Flstr) -> None:
    before = len(flstr.settle())
    flstr.store.put("service/redis/meta_data", META)
    record = ServiceInstance(node="worker101", ip="10.111.0.9", port=6379)
    flstr.store.put("service/redis/instance/main", record.to_json())
    assert titles(flstr.settle()[before:]) == [UP_TO_DATE]
    registered = flstr.registry.read()
    flstr.store.delete("service/redis/instance/main")
    assert routing_digest(registered, "worker101") != routing_digest(flstr.registry.read(), "worker101")
    assert titles(flstr.settle()[before:]) == [UP_TO_DATE] * 2


def test_a_public_address_that_is_taken_away_is_published_again(flstr: Flstr) -> None:
    flstr.settle()
    before = flstr.registry.read().ingress
    flstr.store.delete(*(f"{keys.INGRESSES}{address}" for address in before))
    flstr.settle()
    assert flstr.registry.read().ingress == before


def test_what_is_registered_again_as_it_was_costs_no_write(flstr: Flstr) -> None:
    flstr.settle()
    key, value = next(iter(flstr.store.prefix("backend/influencer/instance/").items()))
    flstr.store.put(key, value)
    before = flstr.store._prefix("")[1]
    assert not flstr.worker.look()
    assert flstr.store._prefix("")[1] == before


def test_an_instance_that_is_taken_away_twice_is_started_twice(flstr: Flstr) -> None:
    before = len(flstr.settle())
    for _ in range(2):
        instances = flstr.registry.read().apps["backend", "influencer"].instances
        flstr.store.delete(keys.instance("backend", "influencer", min(instances)))
        flstr.settle()
    assert titles(flstr.operations.all()[before:]).count("scale influencer from 1 to 2") == 2
    assert len(flstr.registry.read().apps["backend", "influencer"].instances) == 2


def test_a_routing_that_fails_is_tried_again_for_another_change_and_not_for_the_same(flstr: Flstr) -> None:
    before = len(flstr.settle())
    flstr.pretend.before = fail_at("routing.apply", "ingress016: no answer")
    move(flstr, 25000)
    flstr.settle()
    flstr.settle()
    assert titles(flstr.operations.all()[before:]) == [UP_TO_DATE]
    flstr.pretend.before = lambda _: None
    move(flstr, 25001)
    assert [operation.status for operation in flstr.settle()[before:]] == ["failed", "done"]


def test_a_deploy_routes_no_more_often_than_its_steps_say(flstr: Flstr) -> None:
    flstr.settle()
    done = len(flstr.pretend.done)

    def changed(_: Step) -> None:
        flstr.worker.registered_changed()

    flstr.pretend.before = changed
    flstr.ask(f"deploy influencer@{flstr.app[2][:7]}")
    operation = flstr.settle()[-1]
    steps = [planned.step.kind for planned in operation.plan.steps]
    assert sorted(name.split()[0] for name in flstr.pretend.done[done:]) == sorted(steps)


def test_while_an_operation_runs_what_it_registers_wakes_nobody(flstr: Flstr) -> None:
    woken: list[bool] = []

    def look(step: Step) -> None:
        flstr.worker._awake.clear()
        flstr.worker.registered_changed()
        woken.append(flstr.worker._awake.is_set())

    flstr.pretend.before = look
    flstr.settle()
    assert set(woken) == {False}
    flstr.worker._awake.clear()
    flstr.worker.registered_changed()
    assert flstr.worker._awake.is_set()


def test_what_came_in_the_middle_of_an_operation_is_seen_at_its_end(flstr: Flstr) -> None:
    flstr.store.put("service/redis/meta_data", META)
    before = len(flstr.settle())
    ports = itertools.count(6379)

    def register(step: Step) -> None:
        # The last one comes after every routing of the operation.
        if step.kind == "instance.stop":
            record = ServiceInstance(node="worker101", ip="10.111.0.9", port=next(ports))
            flstr.store.put("service/redis/instance/main", record.to_json())

    flstr.pretend.before = register
    flstr.ask(f"deploy influencer@{flstr.app[2][:7]}")
    assert titles(flstr.settle()[before:])[1:] == [UP_TO_DATE]
    assert wrongly_routed(flstr.registry.read()) == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("service/redis/instance/main", "{}"),
        ("backend/influencer/instance/1-00000001", "garbage"),
        ("backend/influencer/instance/x;y", "garbage"),
        ("backend/In Fluencer/meta_data", META),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence_that_names_it(flstr: Flstr, key: str, value: str) -> None:
    flstr.settle()
    flstr.store.put(key, value)
    with pytest.raises(Unreadable, match=r"^etcd") as refused:
        flstr.worker.look()
    assert "\n" not in refused.value.sentence
    assert key in refused.value.sentence or "In Fluencer" in refused.value.sentence
