"""Whether an ingress answers, on loopback: it accepts and answers, accepts and hangs, refuses, or talks of something else."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from executors.answering_ingress import answers

WITHIN = 0.5
AT_LEISURE = 30  # for those that answer


@contextmanager
def listening(*pieces: bytes, backlog: int = 5) -> Iterator[tuple[int, list[bytes]]]:
    """A server that says these pieces to whoever asks, then closes; without any it accepts and is silent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                heard.append(connection.recv(4096))
                for piece in pieces:
                    connection.sendall(piece)
                if pieces:
                    connection.close()
                else:
                    kept.append(connection)

        kept: list[socket.socket] = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
        thread.join(60)
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    "pieces",
    [(b"HTTP/1.1 404 Not Found\r\n\r\n",), (b"HT", b"TP/1.1 301 Moved\r\n"), (b"HTTP/1.1 503 Unavailable\r\n\r\n",)],
)
def test_whatever_nginx_says_it_answers(pieces: tuple[bytes, ...]) -> None:
    with listening(*pieces) as (port, heard):
        assert answers("127.0.0.1", port, AT_LEISURE)
        assert heard[0].startswith(b"HEAD / HTTP/1.0\r\nHost: 127.0.0.1\r\n")


@pytest.mark.parametrize("pieces", [(), (b"SSH-2.0-OpenSSH_9.2\r\n",), (b"HTT",)])
def test_who_hangs_or_is_no_web_server_does_not(pieces: tuple[bytes, ...]) -> None:
    with listening(*pieces) as (port, _):
        assert not answers("127.0.0.1", port, WITHIN)


def test_a_closed_port_and_a_machine_that_is_not_there_do_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not answers("127.0.0.1", port, WITHIN)
    assert not answers("192.0.2.1", 80, 0.05)
