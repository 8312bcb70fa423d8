"""How HAProxy sees that a service serves: the real one, in front of servers that lead, follow, or are no such thing."""

import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from executors.mongodb_hello import document, hello, message
from executors.routing_files import HAPROXY_PAGE, routing_files
from executors.service_checks import check_of
from gitops.registered_tree import parse
from model.service import Service
from tests.executors.example import registered_keys
from tests.executors.services_example import installed, service
from tests.executors.test_routing_files import accepted

WITHIN = 20.0
OWN = service("queue", "playbooks/queue.yml", port=5672)
READY: dict[str, object] = {"health": "http", "env": {"PROTOCOL": "tcp", "PATH": "/ready"}}
SERVICES = {
    "redis": service(),
    "mongodb": service("store", "mongodb"),
    "elasticsearch": service("search", "elasticsearch"),
    "nginx": service("pages", "nginx"),
    "by a connection": OWN,
    "by http": service("queue", "playbooks/queue.yml", port=5672, **READY),
}
ADDRESSES = {"service101": "10.5.1.1", "service102": "10.5.2.1"}


def config(one: Service, leader: str | None = None) -> str:
    """The lines of a service in HAProxy's file."""
    tree = parse(registered_keys("empty") | installed(one, ADDRESSES, leader))
    haproxy = routing_files(tree, "worker101").haproxy
    return haproxy[haproxy.index(f"frontend service-{one.service}") :]


@pytest.mark.parametrize("name", SERVICES)
def test_haproxy_accepts_the_check_of_every_playbook(name: str, tmp_path: Path) -> None:
    one = SERVICES[name]
    tree = parse(registered_keys("empty") | installed(one, ADDRESSES))
    accepted(routing_files(tree, "worker101"), tmp_path)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_offered_to_its_own_machine_alone(name: str) -> None:
    binds = [line.strip() for line in config(SERVICES[name]).splitlines() if line.strip().startswith("bind ")]
    assert binds == ["bind 127.0.0.1:7000"]


def test_where_one_leads_it_alone_is_a_server() -> None:
    servers = [line for line in config(service(), "service102").splitlines() if line.startswith("    server ")]
    assert [line.split()[1] for line in servers] == ["service102"]
    assert "on-marked-down shutdown-sessions" in servers[0]


def test_connections_are_kept_for_an_hour_where_they_are_not_http() -> None:
    redis, pages = config(SERVICES["redis"]), config(SERVICES["nginx"])
    assert ("timeout client 1h" in redis, "timeout server 1h" in redis) == (True, True)
    assert ("timeout client 1h" in pages, "timeout server 1h" in pages) == (False, False)


def test_what_is_asked_by_http() -> None:
    assert "meth GET uri /flstr-health " in config(SERVICES["nginx"])
    assert "expect status 200\n" in config(SERVICES["nginx"])
    assert "expect status 200,401\n" in config(SERVICES["elasticsearch"])
    assert "meth GET uri /ready " in config(SERVICES["by http"])
    assert "check" not in config(SERVICES["by a connection"]).replace(" check inter", "")


def test_only_those_that_lead_end_the_sessions_of_whoever_does_no_more() -> None:
    ending = {name for name, one in SERVICES.items() if check_of(one).options}
    assert ending == {"redis", "mongodb"}


@dataclass(frozen=True)
class Haproxy:
    """One that offers a service, and what it thinks of the server `service101`."""

    port: int
    folder: Path

    def state(self) -> str:
        """UP, DOWN, or one on its way between them."""
        with socket.socket(socket.AF_UNIX) as haproxy:
            haproxy.connect(str(self.folder / "admin.sock"))
            haproxy.sendall(b"show stat -1 4 -1\n")
            head, *rows = haproxy.makefile().read().removeprefix("# ").strip().splitlines()
        values = next(row.split(",") for row in rows if ",service101," in row)
        seen = dict(zip(head.split(","), values, strict=False))
        # One that was not checked yet counts as up.
        return seen["status"] if seen["check_status"] not in ("INI", "") else "unknown"

    def wait_for(self, state: str) -> None:
        wait_until(lambda: self.state() == state, f"a server that is {state}")


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


@contextmanager
def offering(one: Service, port: int, folder: Path) -> Iterator[Haproxy]:
    """HAProxy as a worker has it, in front of an instance at a port of this machine."""
    if shutil.which("haproxy") is None:
        pytest.skip("needs Debian's haproxy")
    published = free_port()
    one = one.model_copy(
        update={"port": port, "publish": one.publish.model_copy(update={"port": published}), "nodes": ("service101",)}
    )
    found = registered_keys("empty") | installed(one, {"service101": "127.0.0.1"})
    files = routing_files(parse(found), "worker101")
    text = files.haproxy.replace(HAPROXY_PAGE, str(folder / "page.html"))
    text = text.replace("/run/haproxy/admin.sock", str(folder / "admin.sock"))
    text = "\n".join(line for line in text.splitlines() if line.split()[:1] not in (["user"], ["group"], ["chroot"]))
    (folder / "page.html").write_text(files.pages[HAPROXY_PAGE])
    (folder / "haproxy.cfg").write_text(f"{text}\n")
    command = ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until((folder / "admin.sock").exists, "HAProxy")
            yield Haproxy(published, folder)
        finally:
            process.kill()


@contextmanager
def redis(folder: Path) -> Iterator[int]:
    """A real Redis with the user that HAProxy comes as, and a password for everybody else; its port."""
    if shutil.which("redis-server") is None:
        pytest.skip("needs Debian's redis-server")
    port = free_port()
    folder.mkdir()
    (folder / "redis.conf").write_text(
        f"bind 127.0.0.1\nport {port}\ndir {folder}\nsave ''\n"
        "user default on >password ~* &* +@all\nuser flstr-health on nopass resetkeys resetchannels -@all +ping +role\n"
    )
    command = ["redis-server", str(folder / "redis.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: reaches(port), "Redis")
            yield port
        finally:
            process.kill()


def reaches(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def said(connection: socket.socket, *commands: str) -> str:
    """What Redis answers to the last of some commands."""
    answer = ""
    for command in commands:
        connection.sendall(f"{command}\r\n".encode())
        answer = connection.recv(4096).decode()
    return answer.strip()


def test_a_redis_that_leads_is_sent_traffic_and_whoever_stayed_has_to_come_anew_once_it_follows(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(redis(tmp_path / "redis"))
        haproxy = stack.enter_context(offering(service(), port, tmp_path))
        haproxy.wait_for("UP")
        client = stack.enter_context(socket.create_connection(("127.0.0.1", haproxy.port), timeout=WITHIN))
        assert said(client, "AUTH password", "SET a b") == "+OK"
        direct = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=WITHIN))
        assert said(direct, "AUTH password", "REPLICAOF 127.0.0.1 1") == "+OK"
        # Nothing more comes, and the connection is over.
        assert client.recv(100) == b""
        haproxy.wait_for("DOWN")
        assert said(direct, "REPLICAOF NO ONE") == "+OK"
        haproxy.wait_for("UP")


@contextmanager
def mongodb(primary: list[bool]) -> Iterator[int]:
    """What answers `hello` as MongoDB does, and nothing else; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked = self.request.recv(4096)
            if asked != hello():
                return
            role = b"\x08isWritablePrimary\x00" + bytes([primary[0]]) + b"\x08secondary\x00" + bytes([not primary[0]])
            set_name = b"\x02setName\x00\x06\x00\x00\x00store\x00"
            self.request.sendall(message(document(set_name + role), answers=1))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


def test_of_a_mongodb_the_primary_is_sent_traffic_and_a_secondary_is_not(tmp_path: Path) -> None:
    primary = [True]
    with mongodb(primary) as port, offering(service("store", "mongodb"), port, tmp_path) as haproxy:
        haproxy.wait_for("UP")
        primary[0] = False
        haproxy.wait_for("DOWN")


@contextmanager
def web(statuses: dict[str, int]) -> Iterator[int]:
    """A server that answers each path by a status; its port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            path = self.rfile.readline().split()[1].decode()
            self.wfile.write(f"HTTP/1.1 {statuses.get(path, 404)} -\r\nContent-Length: 0\r\n\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("name", "answers", "state"),
    [
        ("nginx", {"/flstr-health": 200}, "UP"),
        ("nginx", {"/": 200}, "DOWN"),
        ("elasticsearch", {"/": 401}, "UP"),
        ("elasticsearch", {"/": 503}, "DOWN"),
        ("by http", {}, "UP"),
        ("by http", {"/ready": 500}, "DOWN"),
    ],
)
def test_what_speaks_http_is_asked_at_its_path(name: str, answers: dict[str, int], state: str, tmp_path: Path) -> None:
    with web(answers) as port, offering(SERVICES[name], port, tmp_path) as haproxy:
        haproxy.wait_for(state)
