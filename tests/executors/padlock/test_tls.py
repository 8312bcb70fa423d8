"""Handshakes: what is said before them, and what comes of them where the other end is no TLS server."""

import socket
import ssl
from pathlib import Path
from threading import Event

import pytest

from executors.padlock import tls
from executors.padlock.tls import see_tls, why_closed
from executors.padlock.web import Web
from tests.executors.padlock.authority import HOST, Authority, key_pem, pem_of
from tests.executors.padlock.servers import ADDRESS, Server, answering, waiting_for
from tests.ports import free_port


def test_the_host_is_named_before_the_handshake_and_in_the_request(tmp_path: Path) -> None:
    named: list[str | None] = []
    issued = Authority(tmp_path).issue(HOST)
    pair = tmp_path / "pair.pem"
    pair.write_bytes(key_pem(issued.key) + pem_of(issued.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    context.sni_callback = lambda _, name, __: named.append(name)

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            answering(b"HTTP/1.1 204 No Content\r\n\r\n")(secured)

    server = Server(talk)
    assert see_tls(ADDRESS, server.port, HOST).error == ""
    assert Web({HOST: ADDRESS}.get).ask(f"https://{HOST}:{server.port}/").status == 204
    server.stop()
    assert len(named) >= 2
    assert set(named) == {HOST}


def test_nobody_there() -> None:
    port = free_port()
    assert why_closed(ADDRESS, port) == "Connection refused"
    assert see_tls(ADDRESS, port, HOST).error == "Connection refused"


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "PROBE_SECONDS", 0.2)
    over = Event()
    silent = Server(waiting_for(over))
    assert why_closed(ADDRESS, silent.port) == ""
    assert see_tls(ADDRESS, silent.port, HOST).error == "silent for 0.2 s"
    over.set()
    silent.stop()


def test_a_handshake_that_never_comes_to_an_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "PROBE_SECONDS", 0.3)
    over = Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        # The beginning of a long record.
        connection.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")
        while not over.wait(0.01):
            connection.sendall(b"\0")

    dripping = Server(drip)
    assert see_tls(ADDRESS, dripping.port, HOST).error == "silent for 0.3 s"
    over.set()
    dripping.stop()


@pytest.mark.parametrize("said", [b"220 mail.example.com\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\0" * 100])
def test_a_server_that_speaks_something_else(said: bytes) -> None:
    other = Server(answering(said))
    seen = see_tls(ADDRESS, other.port, HOST)
    other.stop()
    assert seen.chain == ()
    assert seen.error
    assert not seen.bad_signature


@pytest.mark.parametrize("host", ["x" * 70, "..", "\ud800"])
def test_a_name_that_cannot_be_asked_for(host: str) -> None:
    server = Server(answering(b""))
    assert see_tls(ADDRESS, server.port, host).error
    server.stop()
