"""Draining: deregistered first, out of every HAProxy, then waited for where its connections are."""

import pytest

from executors.draining import Draining, drain_script, port_of, silence_script
from executors.routing import Routing
from executors.script import wrapped
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.registered import PortRecord
from model.steps import DrainInstance
from tests.executors.clusters import cluster
from tests.executors.example import registered, registered_keys
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote

STEP = DrainInstance(app_kind="backend", app="influencer", instance="1-ab12cd34", node="worker101")


def test_the_scripts() -> None:
    for name, script in {
        "drain.sh": drain_script(STEP, 30),
        "silence-of-host.sh": silence_script(routing=True, port=20000, within_seconds=30),
        "silence-of-router.sh": silence_script(routing=True, port=None, within_seconds=30),
        "silence-of-dead-role.sh": silence_script(routing=False, port=20000, within_seconds=30),
    }.items():
        check(FIXTURES / "draining" / name, script)
        shellcheck(wrapped(script, HostFence(1)))


def is_drain(script: str) -> bool:
    return "state drain" in script


def is_wait(script: str) -> bool:
    return "replaced_processes" in script


class Field:
    """The example's registry, and machines that answer as a test says."""

    def __init__(self, store: Store, answer: Answer = lambda node, script: "0\n", dead: tuple[str, ...] = ()) -> None:
        store.write({**registered_keys(), keys.CLUSTER: cluster("small").to_json()})
        self.store = store
        self.remote = ScriptedRemote(answer, dead)
        self.reports: list[str] = []
        self.context = StepContext("op", Registry(store), HostFence(1), self.reports.append)

    def drain(self) -> None:
        Draining(self.remote, Routing(self.remote)).drain(STEP, self.context)


def test_it_is_deregistered_before_any_machine_hears_of_it(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        assert store.get(keys.instance("backend", "influencer", "1-ab12cd34")) is None
        return "0\n"

    field = Field(store, answer)
    field.drain()
    assert len(field.remote.ran) == 9


def test_each_machine_drains_then_is_configured_then_waits(store: Store) -> None:
    field = Field(store)
    field.drain()
    order = [
        "drain" if is_drain(script) else "wait" if is_wait(script) else "configure" for _, script in field.remote.ran
    ]
    assert order == ["drain"] * 3 + ["configure"] * 3 + ["wait"] * 3


def test_its_own_machine_counts_the_connections_to_its_port(store: Store) -> None:
    field = Field(store)
    field.drain()
    assert field.remote.nodes("sport = :20000") == ["worker101"]


def test_what_is_left_at_the_limit_is_told(store: Store) -> None:
    field = Field(store, lambda node, script: "2\n" if is_wait(script) and node == "worker101" else "0\n")
    field.drain()
    assert field.reports[-1] == "goes after 30s with 2 connections"


def test_a_dead_machine_of_its_own_is_not_waited_for(store: Store) -> None:
    field = Field(store, dead=("worker101",))
    field.drain()
    assert any(line.startswith("not waiting for worker101: ") for line in field.reports)
    assert field.reports[-1] == "no more connections"


def test_an_ingress_that_still_routes_to_it_fails_the_step(store: Store) -> None:
    with pytest.raises(StepFailed, match=r"^ingress016: "):
        Field(store, dead=("ingress016",)).drain()


def test_a_second_run_knows_the_port_from_the_port_that_is_held() -> None:
    tree = registered()
    assert port_of(STEP, tree) == 20000
    held = {("worker101", 20007): PortRecord(kind="backend", app="influencer", instance="1-ab12cd34")}
    assert port_of(STEP, tree.model_copy(update={"apps": {}, "ports": held})) == 20007
    assert port_of(STEP, tree.model_copy(update={"apps": {}})) is None
