"""Asking as a browser does, in bounds: servers that are silent, slow, endless, or not to be asked."""

import socket
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from executors.padlock import web
from executors.padlock.web import Web
from tests.executors.padlock.servers import ADDRESS, Server, answering, waiting_for
from tests.ports import free_port

HOST = "shop.example.com"
Serve = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server; returns its port."""
    servers: list[Server] = []

    def start(talk: Callable[[socket.socket], None]) -> int:
        servers.append(Server(talk))
        return servers[-1].port

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def shop() -> Web:
    return Web({HOST: ADDRESS}.get)


def test_the_host_is_asked_for_at_the_ingress(serve: Serve, shop: Web) -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(
            b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 2\r\n\r\nhi"
        )

    port = serve(talk)
    answer = shop.ask(f"http://{HOST}:{port}/a b/\u00e9?c=d e#f")
    assert (answer.status, answer.location, answer.body) == (301, "/b", b"hi")
    assert answer.headers["x-twice"] == "1"
    (request,) = heard
    assert request.startswith(b"GET /a%20b/%C3%A9?c=d%20e HTTP/1.1\r\n")
    assert f"\r\nHost: {HOST}:{port}\r\n".encode() in request


def test_a_location_without_a_redirect_leads_nowhere(serve: Serve, shop: Web) -> None:
    port = serve(answering(b"HTTP/1.1 201 Created\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"))
    assert shop.ask(f"http://{HOST}:{port}/").location == ""


def test_nobody_there(shop: Web) -> None:
    assert shop.ask(f"http://{HOST}:{free_port()}/").error == "Connection refused"


def test_a_server_that_says_nothing_is_not_waited_for(serve: Serve, shop: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 0.2)
    over = Event()
    port = serve(waiting_for(over))
    assert shop.ask(f"http://{HOST}:{port}/").error == "silent for 0.2 s"
    assert shop.ask(f"https://{HOST}:{port}/").error == "silent for 0.2 s"
    over.set()


def test_a_server_that_never_comes_to_an_end_is_not_waited_for(
    serve: Serve, shop: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 1.0)
    over = Event()

    def drip(begin: bytes) -> Callable[[socket.socket], None]:
        def talk(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(begin)
            # Never silent for as long as a request may take.
            while not over.wait(0.01):
                connection.sendall(b"x")

        return talk

    in_the_headers = serve(drip(b"HTTP/1.1 200 OK\r\nX-Long: "))
    assert shop.ask(f"http://{HOST}:{in_the_headers}/").error == "silent for 1 s"
    # The headers have to be there in time, on a busy machine as well.
    monkeypatch.setattr(web, "REQUEST_SECONDS", 4.0)
    in_the_body = serve(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nbodyx"))
    answer = shop.ask(f"http://{HOST}:{in_the_body}/")
    over.set()
    assert (answer.status, answer.unread) == (200, "not there after 4 s")
    assert answer.body.startswith(b"bodyx")


def test_a_body_is_read_up_to_a_size(serve: Serve, shop: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "BODY_BYTES", 1 << 20)
    port = serve(answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * ((1 << 20) + 1)))
    answer = shop.ask(f"http://{HOST}:{port}/")
    assert (len(answer.body), answer.unread) == (1 << 20, "longer than 1 MiB")
    whole = serve(answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (1 << 20)))
    assert shop.ask(f"http://{HOST}:{whole}/").unread == ""


def test_a_compressed_body_is_not_unpacked(serve: Serve, shop: Web) -> None:
    port = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx"))
    assert shop.ask(f"http://{HOST}:{port}/").unread == "compressed, which was not asked for"


@pytest.mark.parametrize(
    "said", [b"220 mail.example.com\r\n", b"", b"\0" * 100, b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000]
)
def test_a_server_that_speaks_something_else(serve: Serve, shop: Web, said: bytes) -> None:
    port = serve(answering(said))
    for scheme in ("http", "https"):
        answer = shop.ask(f"{scheme}://{HOST}:{port}/")
        assert answer.status is None
        assert answer.error


def test_all_that_is_asked_of_one_port_takes_no_longer_than_it_may(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "ALL_SECONDS", -1.0)
    port = serve(answering(b"HTTP/1.1 200 OK\r\n\r\n"))
    assert Web({HOST: ADDRESS}.get).ask(f"http://{HOST}:{port}/").error == "there was no time left to ask"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "localhost"]
)
def test_what_is_not_public_is_not_asked_for_a_stranger(host: str, serve: Serve, shop: Web) -> None:
    port = serve(answering(b"HTTP/1.1 200 OK\r\n\r\n"))
    assert shop.ask(f"http://{host}:{port}/").error == f"{host.strip('[]')} has no public address"


@pytest.mark.parametrize(
    "url", ["http://", "http://[", "ftp://shop.example.com/", "http://shop.example.com:x/", "nothing"]
)
def test_what_is_no_address(url: str, shop: Web) -> None:
    assert shop.ask(url).error
