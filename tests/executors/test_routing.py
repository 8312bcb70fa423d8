"""Routing: one script a machine, what is looked at afterwards, and which machines must not fail."""

import pytest
from pydantic import TypeAdapter

from executors.routing import Checks, checks_of, routing_script
from executors.routing_files import routing_files
from executors.script import wrapped
from gitops.executor import HostFence
from gitops.routed import routing_digest, wrongly_routed
from gitops.store import Store
from model.errors import StepFailed
from model.names import AppKind
from tests.executors.example import registered
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.issued import pair_for, record_of
from tests.executors.routing_field import SHOP, Field
from tests.executors.scripted import Answer

FIRST_INSTANCE: tuple[AppKind, str, str] = ("backend", "influencer", "1-ab12cd34")


@pytest.mark.parametrize("node", ["ingress016", "worker101"])
def test_the_script_of_each_machine(node: str) -> None:
    tree = registered()
    checks = checks_of([FIRST_INSTANCE], tree, node) if node == "ingress016" else Checks()
    script = routing_script(routing_files(tree, node), checks)
    check(FIXTURES / "routing" / f"{node}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_serving_instances_are_seen_in_haproxy_and_under_each_of_their_addresses() -> None:
    checks = checks_of([("backend", "api", "1-ab12cd34")], registered("several"), "ingress016")
    assert checks.servers == (("backend-api", "1-ab12cd34"),)
    assert checks.addresses == ("http://shop.example.com:80/api", "http://shop.example.com:80/api/")


def test_an_ingress_is_asked_for_what_it_serves_only_and_by_https_where_the_certificate_is_there() -> None:
    serving = [("backend", "api", "1-ab12cd34"), ("frontend", "shop", "1-00000001")]

    def seen(node: str) -> tuple[str, ...]:
        return checks_of(
            TypeAdapter(list[tuple[AppKind, str, str]]).validate_python(serving), registered("secure"), node
        ).addresses

    both = {
        "http://both.example.com:80/",
        "https://both.example.com:443/",
        "https://flstr-padlock.example.com:443/",
        "https://shop.example.com:443/",
        "https://shop.example.com:443/api",
    }
    assert set(seen("ingress016")) == both | {"http://plain.example.com:8080/"}
    assert set(seen("edge101")) == both | {"https://admin.example.com:8443/api"}
    assert seen("worker101") == ()


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


def refusing(*nodes: str) -> Answer:
    """Machines whose HAProxy takes nothing."""

    def answer(node: str, script: str) -> str:
        if node in nodes:
            output = f"[NOTICE] haproxy\n[ALERT] (7) : [{script[:3]}] unknown keyword\nHAProxy refuses it"
            raise StepFailed(f"{node}: HAProxy refuses it", output, 1)
        return ""

    return answer


def test_a_machine_that_refuses_is_told_of_in_the_thread_with_why(store: Store) -> None:
    field = Field(store, refusing("worker102"))
    field.apply(FIRST_INSTANCE)
    (line,) = field.told
    assert line.startswith("worker102 keeps its old routing: worker102: HAProxy refuses it ([ALERT] (7) : [")
    assert "unknown keyword" in line
    assert wrongly_routed(field.context.registry.read()) == ("worker102",)


def test_what_another_ingress_serves_changes_nothing_on_this_one() -> None:
    tree = registered("secure")
    admin = tree.ingress["admin.example.com:8443"]
    without = tree.model_copy(update={"ingress": {key: one for key, one in tree.ingress.items() if one != admin}})
    assert routing_digest(tree, "ingress016") == routing_digest(without, "ingress016")
    assert routing_digest(tree, "worker101") == routing_digest(without, "worker101")
    assert routing_digest(tree, "edge101") != routing_digest(without, "edge101")
    renewed = record_of(pair_for(SHOP), "9")
    again = tree.model_copy(update={"certificates": {**tree.certificates, SHOP: renewed}})
    assert routing_digest(tree, "edge101") == routing_digest(again, "edge101")
    first = tree.model_copy(update={"certificates": {}})
    assert routing_digest(tree, "edge101") != routing_digest(first, "edge101")
    more = admin.model_copy(update={"pool": None, "nodes": ("edge101", "edge102")})
    moved = tree.model_copy(update={"ingress": {**tree.ingress, "admin.example.com:8443": more}})
    assert routing_digest(tree, "edge101") == routing_digest(moved, "edge101")
