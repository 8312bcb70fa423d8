"""Pushes and the scripts of the routing: whichever comes first, HAProxy ends with what is registered, and never reloads."""

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from executors.firewall import firewall_of
from executors.pushing import Pushing
from executors.remote import OnEnd
from executors.routing import Checks, Routing, routing_script
from executors.routing_files import routing_files
from executors.templates import quote
from gitops.executor import Cancellation, HostFence, StepContext
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from tests.executors.clusters import cluster
from tests.executors.routers import Routers, Servers, haproxy_says, may_run, running_routers, serving, wait_until
from tests.identity import IDENTITIES

pytestmark = pytest.mark.skipif(not may_run(), reason="needs root, openssh-server and haproxy")

ONE, TWO, THREE = "1-00000001", "2-00000002", "3-00000003"
NODE = "worker101"


def at(*names: str) -> Servers:
    return {name: ("127.0.0.1", 20000 + int(name[0]), True) for name in names}


@pytest.fixture
def routed(tmp_path: Path, store: Store) -> Iterator[Routers]:
    """A machine that a script has brought to the first instance."""
    with running_routers(tmp_path, store) as routers:
        routers.put(ONE, 20001)
        routers.route(NODE)
        # The process that the reload replaced is gone, so that it is not missed later.
        wait_until(lambda: len(routers.workers(NODE)) == 1)
        yield routers


@pytest.fixture
def pushing(routed: Routers) -> Iterator[Pushing]:
    """It hears pushes."""
    with routed.pushing() as pushing:
        routed.await_servers(NODE, at(ONE))
        yield pushing


@pytest.fixture
def routers(routed: Routers, pushing: Pushing) -> Routers:
    """The same machine, which hears pushes."""
    del pushing
    return routed


class Late:
    """A `Remote` on which something happens between the making of a script and its way."""

    def __init__(self, routers: Routers, meanwhile: Callable[[], None], end: str) -> None:
        self._routers = routers
        self._meanwhile = meanwhile
        self._end = end
        self.run = routers.ssh.run

    def run_all(
        self,
        scripts: Mapping[str, str],
        fence: HostFence,
        timeout: float = 60.0,
        cancellation: Cancellation | None = None,
        on_end: OnEnd | None = None,
    ) -> dict[str, str | StepFailed]:
        self._meanwhile()
        registered = self._routers.registry.read()
        # These machines have no firewall.
        bare = {
            node: script.replace(firewall_of(node, self._routers.registry.cluster(), registered).strip(), "")
            for node, script in scripts.items()
        }
        ended = {node: f"{script}\n{self._end}" for node, script in bare.items()}
        return self._routers.ssh.run_all(ended, fence, timeout, cancellation, on_end)


def route_late(routers: Routers, pushing: Pushing, meanwhile: Callable[[], None], end: str) -> list[str]:
    """The routing as a step has it, with what happens meanwhile and how its script ends; what is told of it."""
    routers.store.put(keys.CLUSTER, cluster("small").to_json())
    told: list[str] = []
    context = StepContext("op", routers.registry, routers.fence, told.append, told.append)
    Routing(Late(routers, meanwhile, end), IDENTITIES.decrypt, pushing.push_again).apply_without_checks(context)
    return told


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


@pytest.mark.parametrize("end", ["", "fail 'what comes after HAProxy did not work'"])
def test_a_script_of_before_a_change_is_made_up_for_at_once(routed: Routers, pushing: Pushing, end: str) -> None:
    def meanwhile() -> None:
        routed.put(TWO, 20002)
        routed.drop(ONE)
        routed.await_servers(NODE, at(THREE, TWO))

    routed.put(THREE, 20003)
    routed.await_servers(NODE, at(ONE, THREE))
    told = route_late(routed, pushing, meanwhile, end)
    assert [line.partition(" keeps")[0] for line in told] == ["configuring 1 machines", *([NODE] if end else [])]
    routed.await_servers(NODE, at(THREE, TWO))


def test_one_that_drains_and_is_down_serves_again_once_the_file_has_it(routed: Routers) -> None:
    def state() -> str:
        rows = haproxy_says(routed.on, NODE, "show stat -1 4 -1").splitlines()
        return next(row for row in rows if row.startswith(f"backend-influencer,{ONE},"))

    # Nobody listens there.
    wait_until(lambda: ",DOWN," in state(), state)
    haproxy_says(routed.on, NODE, f"set server backend-influencer/{ONE} state drain")
    assert serving(routed.servers(NODE)) == {}
    assert ",DOWN," in state()
    routed.put(TWO, 20002)
    assert routed.route(NODE) == "haproxy: servers changed"
    assert routed.servers(NODE) == at(ONE, TWO)


# As many as HAProxy takes at a time.
SILENCE = """
import signal, socket
held = [socket.socket(socket.AF_UNIX) for _ in range(10)]
for one in held:
    one.connect("/run/haproxy/admin.sock")
    one.sendall(b"prompt\\n")
    one.recv(1)
print("held", flush=True)
signal.pause()
"""


def silence(routers: Routers) -> None:
    """Have the running HAProxy answer nobody else on its socket."""
    routers.on(NODE, f"setsid python3 -IS -c {quote(SILENCE)} </dev/null >/run/held 2>&1 &")
    wait_until(lambda: routers.on(NODE, "cat /run/held").strip() == "held")


def test_servers_change_by_a_reload_where_haproxy_does_not_answer(routed: Routers) -> None:
    before = routed.workers(NODE)
    routed.put(TWO, 20002)
    silence(routed)
    assert routed.route(NODE) == "haproxy: reloaded"
    assert routed.servers(NODE) == at(ONE, TWO)
    assert routed.workers(NODE) != before


# The first reload comes to nothing, the next one carries out.
RELOAD_FAILS = """
eval "real_$(declare -f reload)"; tries=0
reload() { if [ "$((++tries))" = 1 ]; then return 1; fi; real_reload "$@"; }
journalctl() { echo 'what HAProxy says'; }
"""


def test_servers_that_haproxy_takes_by_no_way_leave_the_old_file(routed: Routers) -> None:
    file = "cat /etc/haproxy/haproxy.cfg; ls /etc/haproxy"
    before = routed.on(NODE, file)
    routed.put(TWO, 20002)
    script = routing_script(routing_files(routed.registry.read(), NODE), Checks())
    broken = script.replace("haproxy_config=", f"{RELOAD_FAILS}\nhaproxy_config=", 1)
    assert broken != script
    silence(routed)
    with pytest.raises(StepFailed, match="haproxy cannot work with the new configuration, so the old one serves on"):
        routed.on(NODE, broken)
    assert routed.on(NODE, file).replace("haproxy.cfg.new\n", "") == before
    assert routed.servers(NODE) == at(ONE)
    assert routed.route(NODE) == "haproxy: reloaded"
    assert routed.servers(NODE) == at(ONE, TWO)


def test_a_script_that_was_killed_in_a_reload_leaves_the_file_that_worked(routed: Routers) -> None:
    before = routed.on(NODE, "cat /etc/haproxy/haproxy.cfg")
    routed.store.put("backend/creator/meta_data", other_meta(routed))
    script = routing_script(routing_files(routed.registry.read(), NODE), Checks())
    with pytest.raises(StepFailed):
        routed.on(NODE, script.replace('systemctl reload "$1" || return 1', "exit 137"))
    broken = script.replace("haproxy_config=", f"{RELOAD_FAILS}\nhaproxy_config=", 1)
    with pytest.raises(StepFailed, match="so the old one serves on"):
        routed.on(NODE, broken)
    assert routed.on(NODE, "cat /etc/haproxy/haproxy.cfg") == before
    assert routed.route(NODE) == "haproxy: reloaded"
    assert routed.on(NODE, "ls /etc/haproxy").split() == ["haproxy.cfg", "unavailable.html"]


def other_meta(routers: Routers) -> str:
    """Of an app at another port."""
    meta = routers.registry.read().apps["backend", "influencer"].meta_data
    assert meta is not None
    return meta.model_copy(update={"publish": meta.publish.model_copy(update={"port": 18302})}).to_json()


def test_an_app_that_haproxy_hears_of_by_a_reload_is_pushed_to_from_then_on(routers: Routers) -> None:
    record = routers.registry.read().apps["backend", "influencer"].instances[ONE]
    routers.store.put("backend/creator/instance/1-00000009", record.to_json())
    routers.store.put("backend/creator/meta_data", other_meta(routers))
    assert routers.route(NODE) == "haproxy: reloaded"
    routers.store.put("backend/creator/instance/2-00000009", record.to_json())
    wanted = dict.fromkeys(("1-00000009", "2-00000009"), ("127.0.0.1", 20001, True))
    routers.await_servers(NODE, wanted, "backend-creator")
