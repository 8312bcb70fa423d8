"""Real machines: websockets live through a drain until they close or the limit; new releases are watched."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gitops.executor import Cancellation
from lab.gitrepo import INFLUENCER, Commit
from model.app import App
from model.errors import Cancelled, ReleaseFailed
from model.steps import (
    ApplyRouting,
    BuildRelease,
    DrainInstance,
    StartInstance,
    StopInstance,
    WatchInstances,
)
from tests.executors.asking_client import AskingClient
from tests.executors.deploy_field import INGRESS, Field, rented_field
from tests.executors.example import influencer
from tests.executors.talking_client import TalkingClient

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

APPS = Path(__file__).parent / "apps"
HOST = "chat.flstr.lab"
CHAT = (
    Commit("Talk", APPS / "chat"),
    Commit("Fail now and then", APPS / "chat-failing", branch="failing", parent="main"),
    Commit("End", APPS / "chat-ending", branch="ending", parent="main"),
)
WORKERS = 'pgrep -P "$(systemctl show --property=MainPID --value haproxy)"'
SERVERS = """python3 -c '
import socket
haproxy = socket.socket(socket.AF_UNIX)
haproxy.connect("/run/haproxy/admin.sock")
haproxy.sendall(b"show stat -1 4 -1\\n")
for line in haproxy.makefile():
    print(",".join(line.split(",")[:2]))
'"""


class Chat:
    """The machines with the app `chat` on both workers, and what its thread was told."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.told = field.told
        self.repo = asyncio.run(field.rented.lab.git.seed("chat", CHAT))
        app = self.app("main")
        field.publish(app)
        field.serve(app, ("worker101", "1-11111111"), ("worker102", "2-11111111"))

    def app(self, branch: str, **changes: object) -> App:
        git = ["git", f"--git-dir={self.field.rented.lab.git.path('chat')}", "rev-parse", branch]
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
        fields: dict[str, object] = {
            "app": "chat",
            "repo": self.repo,
            "commit": commit,
            "build": None,
            "publish": {"port": 5003},
            "env_prefix": "CHAT",
            "ingress": [{"host": HOST}],
        }
        return influencer(**fields | changes)

    def talk_to(self, instance: str) -> TalkingClient:
        """A connection that a certain instance answers; HAProxy gives each its turn."""
        for _ in range(20):
            client = TalkingClient(self.field.ingress_ip, HOST)
            if client.instance == instance:
                return client
            with client:
                client.say_bye()
        raise AssertionError(f"{instance} never answered")

    def drain(self, node: str, instance: str, within: float) -> None:
        step = DrainInstance(app_kind="backend", app="chat", instance=instance, node=node, within=within)
        self.field.do(step)

    def await_drain(self) -> None:
        """Wait until the test's first drain has taken its instance out of the routing, two minutes at most."""
        deadline = time.monotonic() + 120
        while "waiting for its connections" not in self.field.reports:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def stop(self, node: str, instance: str) -> None:
        self.field.do(StopInstance(app_kind="backend", app="chat", instance=instance, node=node))

    def sockets(self, node: str, instance: str) -> str:
        """The connections to an instance, whose record is there no more but whose port is held."""
        ports = self.field.registry.read().ports.items()
        port = next(port for (_, port), held in ports if (held.app, held.instance) == ("chat", instance))
        return self.field.on(node, f"ss -Htn state established '( sport = :{port} )'")


@pytest.fixture(scope="module")
def chat(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    with rented_field(etcd_endpoint, tmp_path_factory.mktemp("rollout"), INFLUENCER) as field:
        yield Chat(field)


@pytest.fixture(autouse=True)
def nothing_told(chat: Chat) -> None:
    chat.told.clear()
    chat.field.reports.clear()


def test_a_websocket_lives_through_a_drain_until_it_closes_by_itself(chat: Chat) -> None:
    processes = chat.field.on(INGRESS, WORKERS)
    with ThreadPoolExecutor(1) as pool, chat.talk_to("1-11111111") as client:
        draining = pool.submit(chat.drain, "worker101", "1-11111111", 300.0)
        chat.await_drain()
        assert client.echoes("still there")
        assert TalkingClient(chat.field.ingress_ip, HOST).instance == "2-11111111"
        # Others change the routing meanwhile: it is not theirs to cut.
        chat.field.do(ApplyRouting(serving=(("backend", "chat", "2-11111111"),)))
        assert client.echoes("and still")
        assert not draining.done()
        client.say_bye()
        draining.result(timeout=60)
    assert chat.told == []
    assert chat.sockets("worker101", "1-11111111") == ""
    assert chat.field.on(INGRESS, WORKERS) == processes
    chat.stop("worker101", "1-11111111")


def test_what_is_left_at_the_limit_is_told_and_cut_without_a_reload(chat: Chat) -> None:
    chat.field.serve(chat.app("main"), ("worker101", "3-11111111"))
    processes = chat.field.on(INGRESS, WORKERS)
    with chat.talk_to("3-11111111") as first, chat.talk_to("3-11111111") as second:
        # Another machine's app talks to it as well, through its own HAProxy.
        chat.field.on("worker102", "curl -s http://127.0.0.1:5003/ http://127.0.0.1:5003/")
        chat.drain("worker101", "3-11111111", 3.0)
        first.wait_for_the_end()
        second.wait_for_the_end()
    assert chat.told == ["2 connections were left at the limit of 3 s and cut: 2 from ingress016"]
    assert chat.sockets("worker101", "3-11111111") == ""
    assert chat.field.on(INGRESS, WORKERS) == processes
    servers = chat.field.on(INGRESS, SERVERS).split()
    assert "backend-chat,2-11111111" in servers
    assert "backend-chat,3-11111111" not in servers
    chat.stop("worker101", "3-11111111")


def test_a_websocket_in_a_process_that_a_reload_replaced_is_seen(chat: Chat) -> None:
    chat.field.serve(chat.app("main"), ("worker101", "4-11111111"))
    with chat.talk_to("4-11111111") as client:
        chat.field.on(INGRESS, "systemctl reload haproxy nginx")
        time.sleep(1)
        assert client.echoes("through both reloads")
        chat.drain("worker101", "4-11111111", 2.0)
        assert chat.told == ["1 connection was left at the limit of 2 s and cut: 1 from ingress016"]
        chat.stop("worker101", "4-11111111")
        client.wait_for_the_end()
    # What was replaced ends with its last connection.
    deadline = time.monotonic() + 20
    while len(chat.field.on(INGRESS, WORKERS).split()) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_drain_that_is_given_up_ends_at_once_and_a_later_one_goes_on_from_there(chat: Chat) -> None:
    chat.field.serve(chat.app("main"), ("worker101", "5-11111111"))
    record = chat.field.registry.read().apps["backend", "chat"].instances["5-11111111"]
    processes = chat.field.on(INGRESS, WORKERS)
    wanted, cancellation = chat.field.context, Cancellation()
    try:
        with ThreadPoolExecutor(1) as pool, chat.talk_to("5-11111111") as client:
            chat.field.context = replace(wanted, cancellation=cancellation)
            draining = pool.submit(chat.drain, "worker101", "5-11111111", 300.0)
            chat.await_drain()
            cancellation.cancel("a newer commit is wanted")
            with pytest.raises(Cancelled):
                draining.result(timeout=10)
            assert client.echoes("nobody cut it")
            chat.field.context = wanted
            # Wanted again, it serves again, and who was talking to it talks on.
            chat.field.registry.put_instance("backend", "chat", "5-11111111", record)
            chat.field.do(ApplyRouting(serving=(("backend", "chat", "5-11111111"),)))
            with chat.talk_to("5-11111111") as another:
                another.say_bye()
            assert client.echoes("nor did that")
            assert chat.field.on(INGRESS, WORKERS) == processes
            chat.drain("worker101", "5-11111111", 1.0)
            client.wait_for_the_end()
    finally:
        chat.field.context = wanted
    assert chat.told == ["1 connection was left at the limit of 1 s and cut: 1 from ingress016"]
    chat.stop("worker101", "5-11111111")


def test_a_release_that_serves_as_well_as_the_old_one_passes(chat: Chat) -> None:
    app = chat.app("main", update={"min_healthy_time": "3s"})
    chat.field.serve(app, ("worker101", "6-11111111"))
    step = WatchInstances(app=app, instances={"6-11111111": "worker101"})
    chat.field.do(step)
    with AskingClient(chat.field.ingress_ip, 80, HOST) as client, chat.talk_to("6-11111111") as talking:
        chat.field.do(step)
        assert talking.echoes("hello")
        talking.say_bye()
    assert client.failures == []
    assert chat.field.reports[-1] == "served without a fault"


def test_a_release_that_fails_where_the_old_one_does_not_is_at_fault(chat: Chat) -> None:
    app = chat.app("failing", update={"min_healthy_time": "10m"})
    chat.field.serve(app, ("worker101", "7-22222222"))
    began = time.monotonic()
    sentence = (
        r"^chat 7-22222222 on worker101: \d+ of \d+ requests failed, against 0 of \d+ to the instances beside it$"
    )
    with AskingClient(chat.field.ingress_ip, 80, HOST), pytest.raises(ReleaseFailed, match=sentence) as failed:
        chat.field.do(WatchInstances(app=app, instances={"7-22222222": "worker101"}))
    assert "the third request is one too many" in failed.value.output
    assert time.monotonic() - began < 300
    chat.drain("worker101", "7-22222222", 5.0)
    chat.stop("worker101", "7-22222222")


def test_a_release_that_ends_after_it_was_healthy_is_at_fault(chat: Chat) -> None:
    app = chat.app("ending", update={"min_healthy_time": "10m"})
    chat.field.do(BuildRelease(node="worker101", app=app))
    chat.field.do(StartInstance(node="worker101", app=app, instance="8-33333333"))
    record = chat.field.registry.read().apps["backend", "chat"].instances["8-33333333"]
    chat.field.on("worker101", f"curl --silent --max-time 30 http://{record.ip}:{record.port}/end || true")
    began = time.monotonic()
    with pytest.raises(ReleaseFailed, match=r"^chat 8-33333333 on worker101 ended after it had been healthy") as failed:
        chat.field.do(WatchInstances(app=app, instances={"8-33333333": "worker101"}))
    assert "this is the end" in failed.value.output
    assert time.monotonic() - began < 300
    chat.drain("worker101", "8-33333333", 1.0)
    chat.stop("worker101", "8-33333333")


def test_a_start_that_is_given_up_is_taken_away_again(chat: Chat) -> None:
    app = chat.field.app("never-healthy", update={"healthy_deadline": "5m"})
    chat.field.do(BuildRelease(node="worker101", app=app))
    wanted, cancellation = chat.field.context, Cancellation()
    chat.field.context = replace(wanted, cancellation=cancellation)
    try:
        with ThreadPoolExecutor(1) as pool:
            step = StartInstance(node="worker101", app=app, instance="1-44444444")
            starting = pool.submit(chat.field.do, step)
            time.sleep(2)
            cancellation.cancel("a newer commit is wanted")
            with pytest.raises(Cancelled):
                starting.result(timeout=60)
    finally:
        chat.field.context = wanted
    assert "44444444" not in chat.field.on("worker101", "ls /etc/systemd/system")
    assert "1-44444444" not in {held.instance for held in chat.field.registry.read().ports.values()}
