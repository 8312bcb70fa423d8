"""How a script asks an instance for its health: by Bash, and by curl where that is not enough."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from executors.script import wrapped
from executors.templates import render
from executors.unit_files import HealthUrl
from gitops.executor import HostFence

Answer = Callable[[socket.socket], None]


@contextmanager
def app(answer: Answer) -> Iterator[int]:
    """A server that handles each connection as a test says; its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(client,), daemon=True).start()

        def handle(client: socket.socket) -> None:
            with closing(client):
                try:
                    answer(client)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def asking(port: int, state: Path, before: str = "") -> str:
    health = HealthUrl("http", "127.0.0.1", port, "/health")
    body = f'{before}\n{render("app/ask.sh.j2", health=health)}\nask\necho "$answer"'
    return wrapped(body, HostFence(1), str(state))


def asked(port: int, state: Path) -> str:
    done = subprocess.run(["bash", "-s"], input=asking(port, state), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def whole_head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        part = client.recv(4096)
        if not part:
            raise OSError
        head += part
    return head


def says(text: str) -> Answer:
    def answer(client: socket.socket) -> None:
        whole_head(client)
        client.sendall(text.encode())

    return answer


def reads_once(client: socket.socket) -> None:
    head = client.recv(4096)
    whole = head.startswith(b"GET /health HTTP/1.1\r\n") and head.endswith(b"\r\n\r\n")
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n" if whole else b"HTTP/1.1 400 Bad Request\r\n\r\n")


def answers_at_the_first_byte(client: socket.socket) -> None:
    client.recv(1)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def byte_by_byte(client: socket.socket) -> None:
    whole_head(client)
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
        client.sendall(bytes([byte]))
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), "200"),
        (says("HTTP/1.0 200\r\n\r\n"), "200"),
        (says("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), "503"),
        (says("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "200"),
        (says("nothing of the sort\n"), "000"),
        (says(""), "000"),
        (says("HTTP/1.1 2000 OK\r\n\r\n"), "000"),
        (reads_once, "200"),
        (answers_at_the_first_byte, "200"),
        (byte_by_byte, "200"),
    ],
)
def test_every_answer_is_understood(answer: Answer, status: str, tmp_path: Path) -> None:
    with app(answer) as port:
        assert {asked(port, tmp_path) for _ in range(3)} == {status}


def test_where_nobody_listens_there_is_no_answer(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert asked(port, tmp_path) == "000"


def test_one_that_accepts_and_says_nothing_has_not_answered(tmp_path: Path) -> None:
    ended = threading.Event()

    def silent(client: socket.socket) -> None:
        ended.wait(30)

    with app(silent) as port:
        assert asked(port, tmp_path) == "000"
        ended.set()


def test_a_script_that_is_killed_while_it_asks_leaves_its_locks_to_others(tmp_path: Path) -> None:
    connected, ended = threading.Event(), threading.Event()

    def silent(client: socket.socket) -> None:
        connected.set()
        ended.wait(30)

    with app(silent) as port:
        running = subprocess.Popen(["bash", "-s"], stdin=subprocess.PIPE)
        assert running.stdin is not None
        running.stdin.write(asking(port, tmp_path, before="alone unit").encode())
        running.stdin.close()
        assert connected.wait(20)
        running.kill()
        running.wait()
        assert subprocess.run(["flock", "--timeout", "1", tmp_path / "unit.lock", "true"], check=False).returncode == 0
        ended.set()
