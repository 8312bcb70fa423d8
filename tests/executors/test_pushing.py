"""Pushing: a change of who serves is in the running HAProxy of every machine at once, whoever made it in etcd."""

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from executors import ssh_connection
from gitops.executor import HostFence
from gitops.store import Store
from model import keys, service_keys
from model.errors import Fenced
from model.registered import ServiceInstance
from tests.executors.routers import APP, WITHIN, Routers, haproxy_says, may_run, running_routers, serving, wait_until
from tests.executors.services_example import installed, service

pytestmark = pytest.mark.skipif(not may_run(), reason="needs root, openssh-server and haproxy")

ONE, TWO, THREE = "1-00000001", "2-00000002", "3-00000003"


@pytest.fixture
def routers(tmp_path: Path, store: Store) -> Iterator[Routers]:
    with running_routers(tmp_path, store) as routers:
        yield routers


def programs(routers: Routers, node: str = "worker101") -> list[str]:
    """The process ids of what is kept running there."""
    return routers.on(node, "pgrep -f '^python3 -IS -c .*push_members' || true").split()


def test_what_is_registered_already_is_pushed_at_the_beginning(routers: Routers) -> None:
    routers.put(ONE, 20001)
    with routers.pushing():
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
    assert routers.changes == []


def test_an_instance_comes_moves_and_goes(routers: Routers) -> None:
    with routers.pushing():
        routers.put(ONE, 20001)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
        routers.put(ONE, 20002)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20002, True)})
        routers.drop(ONE)
        routers.await_servers("worker101", {})
        # Its last connections end by themselves, and one that comes back serves again.
        assert routers.servers("worker101") == {ONE: ("127.0.0.1", 20002, False)}
        routers.put(ONE, 20002)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20002, True)})


def test_a_server_is_added_as_the_file_would_have_it(routers: Routers) -> None:
    routers.stop_haproxy("worker101")
    routers.start_haproxy("worker101", f"{ONE} 127.0.0.1:20001")
    routers.put(ONE, 20001)
    routers.put(TWO, 20002)
    with routers.pushing():
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True), TWO: ("127.0.0.1", 20002, True)})
    table = haproxy_says(routers.on, "worker101", "show stat -1 4 -1").splitlines()
    columns = table[0].removeprefix("# ").split(",")
    rows = {
        row["svname"]: row for row in (dict(zip(columns, line.split(","), strict=False)) for line in table[1:] if line)
    }
    told = ("check_rise", "check_fall", "weight", "mode", "act", "bck")
    assert [rows[TWO][name] for name in told] == [rows[ONE][name] for name in told]
    # Both are checked, and nobody serves at either port.
    wait_until(lambda: haproxy_says(routers.on, "worker101", "show stat -1 4 -1").count("DOWN") == 2)


def test_every_machine_has_it_over_its_one_connection_and_by_one_program(tmp_path: Path, store: Store) -> None:
    with running_routers(tmp_path, store, 3) as routers, routers.pushing():
        for number in range(5):
            routers.put(ONE, 20001 + number)
            for node in routers.nodes:
                routers.await_servers(node, {ONE: ("127.0.0.1", 20001 + number, True)})
        assert routers.sshd.connections() == 3
        assert [len(programs(routers, node)) for node in routers.nodes] == [1, 1, 1]


def test_a_machine_that_hangs_does_not_delay_the_others(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_connection, "CONNECT_SECONDS", 10 * WITHIN)
    silent = "127.0.2.100"
    with running_routers(tmp_path, store, 2) as routers, socket.create_server((silent, routers.sshd.port)) as sshd:
        # The first of them, at which somebody accepts and says nothing.
        routers.addresses["worker100"] = silent
        routers.registry.put_host(routers.sshd.record("worker100", ip=silent))
        routers.register("worker100")
        with routers.pushing(), sshd.accept()[0] as connection:
            routers.put(ONE, 20001)
            for node in routers.nodes:
                routers.await_servers(node, {ONE: ("127.0.0.1", 20001, True)})
            # It was waited for all the while, and is still.
            connection.setblocking(False)
            assert connection.recv(100).startswith(b"SSH-2.0-")
            with pytest.raises(BlockingIOError):
                connection.recv(100)
    assert routers.fenced == []


def test_a_machine_that_is_given_up_is_let_go_and_taken_back(routers: Routers) -> None:
    with routers.pushing():
        wait_until(lambda: len(programs(routers)) == 1)
        routers.store.put(keys.dead("worker101"), "1.0")
        wait_until(lambda: programs(routers) == [])
        routers.put(ONE, 20001)
        routers.store.delete(keys.dead("worker101"))
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})


def test_instances_of_a_machine_that_is_not_ready_get_no_traffic_at_once(routers: Routers) -> None:
    routers.put(ONE, 20001)
    routers.put(TWO, 20002, node="worker102")
    both = {ONE: ("127.0.0.1", 20001, True), TWO: ("127.0.0.1", 20002, True)}
    with routers.pushing():
        routers.await_servers("worker101", both)
        routers.store.put(keys.not_ready("worker102"), "1.0")
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
        # Whoever has nobody else goes on being asked.
        routers.store.put(keys.not_ready("worker101"), "1.0")
        routers.await_servers("worker101", both)
        routers.store.delete(keys.not_ready("worker101"), keys.not_ready("worker102"))
        routers.await_servers("worker101", both)


def test_a_program_that_was_killed_is_started_again(routers: Routers) -> None:
    with routers.pushing():
        wait_until(lambda: len(programs(routers)) == 1)
        before = programs(routers)
        routers.on("worker101", f"kill -KILL {before[0]}")
        routers.put(ONE, 20001)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
        assert programs(routers) not in ([], before)


def test_the_programs_end_with_the_pushing(routers: Routers) -> None:
    with routers.pushing():
        wait_until(lambda: len(programs(routers)) == 1)
    wait_until(lambda: programs(routers) == [])


def test_a_leader_that_was_replaced_is_refused(routers: Routers) -> None:
    old = routers.fence
    with routers.pushing():
        routers.put(ONE, 20001)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
        # A script of the next leader was here.
        routers.fence = HostFence(old.leader + 5)
        routers.on("worker101", "true")
        routers.put(TWO, 20002)
        wait_until(lambda: bool(routers.fenced))
        assert routers.fenced == [
            "worker101: this machine already obeys a newer controller "
            f"(leader has token {old.leader + 5}, not {old.leader})"
        ]
        assert TWO not in routers.servers("worker101")


def test_a_newer_leader_is_obeyed_from_its_first_push_on(routers: Routers) -> None:
    old = routers.fence
    routers.fence = HostFence(old.leader + 5)
    with routers.pushing():
        routers.put(ONE, 20001)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
    with pytest.raises(Fenced, match=f"leader has token {old.leader + 5}, not {old.leader}"):
        routers.ssh.run("worker101", "true", old)


def test_a_push_waits_for_a_script_of_the_routing_and_then_tells_the_newest(routers: Routers, tmp_path: Path) -> None:
    go_on, begun = tmp_path / "go-on", tmp_path / "begun"
    script = (
        f'exec {{lock}}>>"$state/routing.lock"; flock "$lock"; touch {begun}; until [ -e {go_on} ]; do sleep 0.02; done'
    )
    with routers.pushing() as pushing:
        routers.put(ONE, 20001)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(routers.on, "worker101", script)
            wait_until(begun.exists)
            routers.put(TWO, 20002)
            # The program has the request, and is at the lock.
            file = routers.on("worker101", "stat --format=%i $state/routing.lock").strip()
            wait_until(lambda: bool(re.search(rf"-> FLOCK .*:{file} ", Path("/proc/locks").read_text())))
            assert serving(routers.servers("worker101")) == {ONE: ("127.0.0.1", 20001, True)}
            routers.drop(TWO)
            routers.put(THREE, 20003)
            # Where flstr itself has not heard of it yet, what the program has is the newest.
            wait_until(lambda: pushing._machines["worker101"]._wanted[f"backend-{APP}"].keys() == {ONE, THREE})
            go_on.touch()
            running.result(30)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True), THREE: ("127.0.0.1", 20003, True)})
        assert TWO not in routers.servers("worker101")


def test_what_haproxy_does_not_know_yet_is_left_to_the_file(routers: Routers) -> None:
    service = service_keys.SERVICES + "redis/"
    with routers.pushing():
        meta = routers.store.get(keys.meta_data("backend", APP)) or ""
        routers.store.put(f"{service}meta_data", meta)
        routers.store.put(
            f"{service}instance/main", ServiceInstance(node="worker101", ip="127.0.0.1", port=6379).to_json()
        )
        routers.put(ONE, 20001)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
    assert routers.servers("worker101", "service-redis") == {}


def test_one_that_cannot_be_read_changes_nothing_of_its_app(routers: Routers) -> None:
    with routers.pushing():
        routers.put(ONE, 20001)
        routers.put(TWO, 20002)
        both = {ONE: ("127.0.0.1", 20001, True), TWO: ("127.0.0.1", 20002, True)}
        routers.await_servers("worker101", both)
        routers.changes.clear()
        routers.store.write({keys.instance("backend", APP, ONE): "garbage"}, [keys.instance("backend", APP, TWO)])
        wait_until(lambda: bool(routers.changes))
        assert routers.servers("worker101") == both
        routers.put(ONE, 20003)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20003, True)})


def test_what_is_no_text_holds_the_pushing_up_only_while_it_is_there(routers: Routers) -> None:
    binary = keys.instance("backend", APP, TWO)
    with routers.pushing():
        routers.put(ONE, 20001)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
        with capture_logs() as logged:
            routers.store._client.call(lambda etcd: etcd.put(binary, b"\xff\xfe"))
            # An app of another kind is heard of, and the whole cannot be read for it.
            routers.store.put(keys.meta_data("frontend", APP), routers.store.get(keys.meta_data("backend", APP)) or "")
            wait_until(lambda: any("is not pushed" in line["event"] for line in logged), lambda: str(logged))
            routers.put(ONE, 20003)
            routers.store.delete(binary)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20003, True)})


def test_haproxy_that_was_started_anew_has_its_file_and_hears_the_next_change(routers: Routers) -> None:
    with routers.pushing():
        routers.put(ONE, 20001)
        routers.await_servers("worker101", {ONE: ("127.0.0.1", 20001, True)})
        routers.stop_haproxy("worker101")
        # Nobody listens; what is pushed meanwhile is in the file by the time it starts.
        routers.put(TWO, 20002)
        routers.start_haproxy("worker101", f"{ONE} 127.0.0.1:20001", f"{TWO} 127.0.0.1:20002")
        routers.put(THREE, 20003)
        three = {name: ("127.0.0.1", 20000 + int(name[0]), True) for name in (ONE, TWO, THREE)}
        routers.await_servers("worker101", three)


INSTANCES = (ONE, TWO, THREE)
CHANGES = st.lists(st.tuples(st.sampled_from(INSTANCES), st.one_of(st.none(), st.integers(20001, 20003))), max_size=12)


@pytest.fixture(scope="module")
def lasting(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Routers]:
    """Two machines that stand while many sequences are tried on them."""
    store = Store([etcd_endpoint])
    store.delete_prefix("")
    with running_routers(tmp_path_factory.mktemp("routers"), store, 2) as routers, routers.pushing():
        yield routers
    store.close()


@given(changes=CHANGES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_changes_haproxy_has_what_is_registered(
    lasting: Routers, changes: list[tuple[str, int | None]]
) -> None:
    for instance, port in changes:
        if port is None:
            lasting.drop(instance)
        else:
            lasting.put(instance, port)
    known = lasting.registry.read().apps["backend", APP].instances
    wanted = {name: (record.ip, record.port, True) for name, record in known.items()}
    for node in lasting.nodes:
        lasting.await_servers(node, wanted)


def test_who_leads_a_service_is_pushed_and_the_file_that_follows_needs_no_reload(routers: Routers) -> None:
    cache, addresses = service(publish={"port": 18302}), {"service101": "127.0.3.1", "service102": "127.0.3.2"}
    routers.store.write(installed(cache, addresses, leader="service101"))
    routers.route("worker101")
    before = routers.workers("worker101")
    with routers.pushing():
        routers.await_servers("worker101", {"service101": ("127.0.3.1", 6379, True)}, "service-cache")
        routers.store.write(installed(cache, addresses, leader="service102"))
        routers.await_servers("worker101", {"service102": ("127.0.3.2", 6379, True)}, "service-cache")
    assert routers.route("worker101") == "haproxy: servers changed"
    assert routers.workers("worker101") == before
