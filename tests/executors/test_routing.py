"""Routing: one script a machine, what is looked at afterwards, and which machines must not fail."""

import pytest

from executors.routing import Checks, Routing, checks_of, routing_script
from executors.routing_files import routing_files
from executors.script import wrapped
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.routed import routing_digest, wrongly_routed
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.names import AppKind
from model.steps import ApplyRouting
from tests.executors.clusters import cluster
from tests.executors.example import registered, registered_keys
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote

FIRST_INSTANCE: tuple[AppKind, str, str] = ("backend", "influencer", "1-ab12cd34")


@pytest.mark.parametrize("node", ["ingress016", "worker101"])
def test_the_script_of_each_machine(node: str) -> None:
    tree = registered()
    checks = checks_of([FIRST_INSTANCE], tree) if node == "ingress016" else Checks()
    script = routing_script(routing_files(tree, node), checks)
    check(FIXTURES / "routing" / f"{node}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_serving_instances_are_seen_in_haproxy_and_under_each_of_their_addresses() -> None:
    checks = checks_of([("backend", "api", "1-ab12cd34")], registered("several"))
    assert checks.servers == (("backend-api", "1-ab12cd34"),)
    assert checks.addresses == ("http://shop.example.com:80/api", "http://shop.example.com:80/api/")


class Field:
    """The example's registry, and machines that answer as a test says."""

    def __init__(self, store: Store, answer: Answer = lambda node, script: "", dead: tuple[str, ...] = ()) -> None:
        store.write({**registered_keys(), keys.CLUSTER: cluster("small").to_json()})
        self.remote = ScriptedRemote(answer, dead)
        self.reports: list[str] = []
        self.context = StepContext("op", Registry(store), HostFence(1), self.reports.append)

    def apply(self, *serving: tuple[str, str, str]) -> None:
        Routing(self.remote).apply(ApplyRouting.model_validate({"serving": serving}), self.context)


def test_every_machine_but_controllers_is_configured_once(store: Store) -> None:
    field = Field(store)
    field.apply()
    assert sorted(node for node, _ in field.remote.ran) == ["ingress016", "worker101", "worker102"]


def test_only_the_ingresses_look_at_what_serves(store: Store) -> None:
    field = Field(store)
    field.apply(FIRST_INSTANCE)
    assert field.remote.nodes("see_server backend-influencer 1-ab12cd34") == ["ingress016"]


def test_without_an_ingress_the_instances_own_machines_look(store: Store) -> None:
    field = Field(store)
    store.delete("node/ingress016")
    field.apply(FIRST_INSTANCE)
    assert field.remote.nodes("see_server backend-influencer 1-ab12cd34") == ["worker101"]


def test_a_dead_worker_that_nothing_new_serves_from_is_a_line(store: Store) -> None:
    field = Field(store, dead=("worker102",))
    field.apply(FIRST_INSTANCE)
    assert any(line.startswith("worker102 keeps its old routing: ") for line in field.reports)


@pytest.mark.parametrize("dead", ["ingress016", "worker101"])
def test_a_dead_ingress_or_serving_machine_fails_the_step(store: Store, dead: str) -> None:
    field = Field(store, dead=(dead,))
    with pytest.raises(StepFailed, match=f"^{dead}: no SSH connection"):
        field.apply(FIRST_INSTANCE)
    # Nobody else waited for it.
    assert len(field.remote.ran) == 2


def test_what_each_machine_took_is_noted_once(store: Store) -> None:
    field = Field(store, dead=("worker102",))
    field.apply()
    tree = field.context.registry.read()
    assert tree.routed == {node: routing_digest(tree, node) for node in ("ingress016", "worker101")}
    assert wrongly_routed(tree) == ("worker102",)
    revision = store._prefix("")[1]
    field.apply()
    assert store._prefix("")[1] == revision


def test_a_machine_that_failed_is_not_noted(store: Store) -> None:
    field = Field(store, dead=("ingress016",))
    with pytest.raises(StepFailed):
        field.apply()
    assert wrongly_routed(field.context.registry.read()) == ("ingress016",)


def test_an_instance_that_is_not_registered_cannot_serve(store: Store) -> None:
    field = Field(store)
    with pytest.raises(StepFailed, match=r"^influencer 9-ab12cd34 is not registered"):
        field.apply(("backend", "influencer", "9-ab12cd34"))
    assert field.remote.ran == []
