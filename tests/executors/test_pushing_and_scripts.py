"""Pushes and the scripts of the routing: whichever comes first, HAProxy ends with what is registered, and never reloads."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops.store import Store
from tests.executors.routers import Routers, Servers, may_run, running_routers, serving

pytestmark = pytest.mark.skipif(not may_run(), reason="needs root, openssh-server and haproxy")

ONE, TWO, THREE = "1-00000001", "2-00000002", "3-00000003"
NODE = "worker101"


def at(*names: str) -> Servers:
    return {name: ("127.0.0.1", 20000 + int(name[0]), True) for name in names}


@pytest.fixture
def routers(tmp_path: Path, store: Store) -> Iterator[Routers]:
    """A machine that a script has brought to the first instance, and that hears pushes."""
    with running_routers(tmp_path, store) as routers:
        routers.put(ONE, 20001)
        routers.route(NODE)
        with routers.pushing():
            routers.await_servers(NODE, at(ONE))
            yield routers


def test_what_was_pushed_is_in_the_file_by_the_next_script(routers: Routers) -> None:
    before = routers.workers(NODE)
    routers.put(TWO, 20002)
    routers.drop(ONE)
    routers.await_servers(NODE, at(TWO))
    assert routers.route(NODE) == "haproxy: servers changed"
    # The one that left had no connections.
    assert routers.servers(NODE) == at(TWO)
    assert routers.workers(NODE) == before
    routers.stop_haproxy(NODE)
    routers.on(NODE, "systemctl start haproxy")
    assert routers.servers(NODE) == at(TWO)


def test_a_script_that_came_first_leaves_nothing_to_push(routers: Routers) -> None:
    routers.put(TWO, 20002)
    routers.route(NODE)
    assert serving(routers.servers(NODE)) == at(ONE, TWO)
    routers.put(THREE, 20003)
    routers.await_servers(NODE, at(ONE, TWO, THREE))


def test_a_script_of_before_a_registration_puts_it_off_until_the_next_one(routers: Routers) -> None:
    routers.put(THREE, 20003)
    known, before = routers.registry.read(), routers.workers(NODE)
    routers.put(TWO, 20002)
    routers.await_servers(NODE, at(ONE, TWO, THREE))
    assert routers.route(NODE, known) == "haproxy: servers changed"
    assert serving(routers.servers(NODE)) == at(ONE, THREE)
    assert routers.route(NODE) == "haproxy: servers changed"
    assert routers.servers(NODE) == at(ONE, TWO, THREE)
    assert routers.workers(NODE) == before


def test_a_script_of_before_a_deregistration_is_made_up_for_by_the_next_one(routers: Routers) -> None:
    before = routers.workers(NODE)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        routers.put(ONE, port)
        routers.await_servers(NODE, {ONE: ("127.0.0.1", port, True)})
        routers.put(THREE, 20003)
        known = routers.registry.read()
        routers.drop(ONE)
        routers.await_servers(NODE, at(THREE))
        assert routers.route(NODE, known) == "haproxy: servers changed"
        assert serving(routers.servers(NODE)) == {ONE: ("127.0.0.1", port, True), **at(THREE)}
        assert routers.route(NODE) == "haproxy: servers changed"
    assert routers.servers(NODE) == at(THREE)
    assert routers.workers(NODE) == before


def test_an_app_that_haproxy_hears_of_by_a_reload_is_pushed_to_from_then_on(routers: Routers) -> None:
    meta = routers.registry.read().apps["backend", "influencer"].meta_data
    assert meta is not None
    other = meta.model_copy(update={"publish": meta.publish.model_copy(update={"port": 18302})})
    record = routers.registry.read().apps["backend", "influencer"].instances[ONE]
    routers.store.put("backend/creator/instance/1-00000009", record.to_json())
    routers.store.put("backend/creator/meta_data", other.to_json())
    assert routers.route(NODE) == "haproxy: reloaded"
    routers.store.put("backend/creator/instance/2-00000009", record.to_json())
    wanted = dict.fromkeys(("1-00000009", "2-00000009"), ("127.0.0.1", 20001, True))
    routers.await_servers(NODE, wanted, "backend-creator")
