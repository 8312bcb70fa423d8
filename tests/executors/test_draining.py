"""Draining: deregistered first, out of every HAProxy, then waited for where its connections are."""

import re

import pytest

from executors.draining import Draining, cut_script, drain_script, port_of
from executors.routing import Routing
from executors.script import wrapped
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import Cancelled, StepFailed
from model.registered import PortRecord
from model.steps import DrainInstance
from tests.executors.clusters import cluster
from tests.executors.example import registered, registered_keys
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote
from tests.identity import IDENTITIES

STEP = DrainInstance(app_kind="backend", app="influencer", instance="1-ab12cd34", node="worker101")


def test_the_scripts() -> None:
    for name, script in {
        "of-host.sh": drain_script(STEP, routing=True, port=20000, within=5),
        "of-router.sh": drain_script(STEP, routing=True, port=None, within=5),
        "of-host-without-haproxy.sh": drain_script(STEP, routing=False, port=20000, within=2.5),
        "cut.sh": cut_script(STEP),
    }.items():
        check(FIXTURES / "draining" / name, script)
        shellcheck(wrapped(script, HostFence(1)))


def is_cut(script: str) -> bool:
    return script.startswith("# Cuts the connections")


def is_wait(script: str) -> bool:
    return "state drain'" in script and "deadline" in script and not is_routing(script)


def is_routing(script: str) -> bool:
    return "routing.lock" in script


NOTHING = "haproxy 0 0\n"


class Field:
    """The example's registry, and machines that answer as a test says."""

    def __init__(self, store: Store, answer: Answer = lambda node, script: NOTHING, dead: tuple[str, ...] = ()) -> None:
        store.write({**registered_keys(), keys.CLUSTER: cluster("small").to_json()})
        self.store = store
        self.remote = ScriptedRemote(answer, dead)
        self.reports: list[str] = []
        self.told: list[str] = []
        self.context = StepContext("op", Registry(store), HostFence(1), self.reports.append, self.told.append)

    def drain(self, within: float = 30.0) -> None:
        step = STEP.model_copy(update={"within": within})
        Draining(self.remote, Routing(self.remote, IDENTITIES.decrypt)).drain(step, self.context)

    def kinds(self) -> list[str]:
        """What each script that ran was for, in order."""
        return [
            "configure" if is_routing(script) else "cut" if is_cut(script) else "wait" for _, script in self.remote.ran
        ]


def counted(**by_node: str) -> Answer:
    """Machines whose counts never change."""
    return lambda node, script: by_node.get(node, NOTHING)


def test_it_is_deregistered_before_any_machine_hears_of_it(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        assert store.get(keys.instance("backend", "influencer", "1-ab12cd34")) is None
        return NOTHING

    field = Field(store, answer)
    field.drain()
    assert len(field.remote.ran) == 6


def test_each_machine_is_configured_then_waits(store: Store) -> None:
    field = Field(store)
    field.drain()
    assert field.kinds() == ["configure"] * 3 + ["wait"] * 3
    assert field.reports[-1] == "no more connections"
    assert field.told == []


def test_its_own_machine_counts_the_connections_to_its_port(store: Store) -> None:
    field = Field(store)
    field.drain()
    assert field.remote.nodes("sport = :20000") == ["worker101"]


def test_it_is_waited_for_as_long_as_the_step_says_and_no_longer(store: Store) -> None:
    field = Field(store, counted(ingress016="haproxy 1 0\n"))
    field.drain(within=12.0)
    rounds = [script for node, script in field.remote.ran if node == "ingress016" and is_wait(script)]
    assert [int(re.findall(r"milliseconds\) \+ (\d+)", script)[0]) for script in rounds] == [5000, 5000, 2000]


def test_what_is_left_at_the_limit_is_told_and_cut_where_it_is(store: Store) -> None:
    host = "haproxy 0 0\nsocket 10.111.0.16 2\n"
    field = Field(store, counted(ingress016="haproxy 2 0\n", worker101=host))
    field.drain()
    assert field.told == ["2 connections were left at the limit of 30 s and cut: 2 from ingress016"]
    assert [node for node, script in field.remote.ran if is_cut(script)] == ["ingress016"]


def test_what_ends_meanwhile_is_neither_told_nor_cut(store: Store) -> None:
    answers = iter(["haproxy 1 0\n"] * 2)

    def answer(node: str, script: str) -> str:
        return next(answers, NOTHING) if node == "ingress016" and is_wait(script) else NOTHING

    field = Field(store, answer)
    field.drain()
    assert field.reports[-2:] == ["waiting for 1 connection", "no more connections"]
    assert field.told == []
    assert "cut" not in field.kinds()


def test_a_dead_machine_of_its_own_is_not_waited_for(store: Store) -> None:
    field = Field(store, dead=("worker101",))
    field.drain()
    assert any(line.startswith("not waiting for worker101: ") for line in field.reports)
    assert field.reports[-1] == "no more connections"


def test_a_machine_that_did_not_answer_is_not_asked_again(store: Store) -> None:
    field = Field(store, counted(ingress016="haproxy 1 0\n"), dead=("worker102",))
    field.drain()
    assert len([line for line in field.reports if line.startswith("not waiting for worker102")]) == 1


def test_an_ingress_that_still_routes_to_it_fails_the_step(store: Store) -> None:
    with pytest.raises(StepFailed, match=r"^ingress016: "):
        Field(store, dead=("ingress016",)).drain()


def test_one_that_was_deregistered_before_is_drained_as_well(store: Store) -> None:
    field = Field(store, counted(ingress016="haproxy 1 0\n"))
    port = PortRecord(kind="backend", app="influencer", instance="1-ab12cd34")
    store.put(keys.port("worker101", 20000), port.to_json())
    store.delete(keys.instance("backend", "influencer", "1-ab12cd34"))
    field.drain(within=5.0)
    assert field.remote.nodes("sport = :20000") == ["worker101"]
    assert len(field.told) == 1


def test_nobody_waits_for_a_drain_that_is_given_up(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        if is_wait(script):
            raise Cancelled(f"{node}: given up")
        return ""

    field = Field(store, answer)
    with pytest.raises(Cancelled):
        field.drain()
    assert (field.told, field.kinds().count("wait")) == ([], 3)


def test_a_second_run_knows_the_port_from_the_port_that_is_held() -> None:
    tree = registered()
    assert port_of(STEP, tree) == 20000
    held = {("worker101", 20007): PortRecord(kind="backend", app="influencer", instance="1-ab12cd34")}
    assert port_of(STEP, tree.model_copy(update={"apps": {}, "ports": held})) == 20007
    assert port_of(STEP, tree.model_copy(update={"apps": {}})) is None
