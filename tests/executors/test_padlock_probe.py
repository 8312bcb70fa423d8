"""Looking at real servers on loopback: plain, with TLS of every kind, silent, and not there."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from executors import padlock_probe
from executors.padlock_probe import is_open, see_http, see_tls

HOST = "shop.example.com"
ADDRESS = "127.0.0.1"
Serve = Callable[[ssl.SSLContext | None], int]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(301 if self.headers["Host"].startswith(HOST) else 404)
        self.send_header("Location", f"https://{HOST}{self.path}")
        self.send_header("Strict-Transport-Security", "max-age=1")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A handshake that the client breaks off is what is tested here."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server, with TLS where a context is given; returns its port."""
    servers: list[Server] = []

    def start(context: ssl.SSLContext | None = None) -> int:
        server = Server((ADDRESS, 0), Handler)
        if context is not None:
            # The handshake happens on the connection's own thread.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._issue("authority", self._key, ("authority",), timedelta(days=90), is_authority=True)
        self.path = folder / "authority.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, name: str, left: timedelta = timedelta(days=60)) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        issued = self._issue("server", key, (name,), left)
        path = self._folder / "server.pem"
        pem = serialization.Encoding.PEM
        form = serialization.PrivateFormat.PKCS8
        path.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()) + issued.public_bytes(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _issue(
        self,
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        names: tuple[str, ...],
        left: timedelta,
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + left)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_redirect_is_seen_for_the_host_that_is_asked_for(serve: Serve) -> None:
    port = serve(None)
    seen = see_http(ADDRESS, port, HOST, "/basket")
    assert (seen.status, seen.location, seen.hsts) == (301, f"https://{HOST}/basket", True)
    assert see_http(ADDRESS, port, "other.example.com", "/").status == 404


def test_nobody_there(serve: Serve) -> None:
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        port = free.getsockname()[1]
    assert not is_open(ADDRESS, port)
    assert see_http(ADDRESS, port, HOST, "/").error == "Connection refused"
    assert see_tls(ADDRESS, port, HOST).error == "Connection refused"


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(padlock_probe, "PROBE_SECONDS", 0.2)
    with socket.create_server((ADDRESS, 0)) as silent:
        port = silent.getsockname()[1]
        assert see_http(ADDRESS, port, HOST, "/").error == "silent for 0.2 s"
        assert see_tls(ADDRESS, port, HOST).error == "silent for 0.2 s"


def test_a_server_that_speaks_something_else() -> None:
    with socket.create_server((ADDRESS, 0)) as other:

        def greet() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = other.accept()
                    connection.sendall(b"220 mail.example.com\r\n")
                    connection.close()

        threading.Thread(target=greet, daemon=True).start()
        assert see_http(ADDRESS, other.getsockname()[1], HOST, "/").status is None
        assert see_tls(ADDRESS, other.getsockname()[1], HOST).error
        other.shutdown(socket.SHUT_RDWR)


def test_a_trusted_certificate(serve: Serve, authority: Authority) -> None:
    port = serve(authority.context(HOST))
    seen = see_tls(ADDRESS, port, HOST, authority.path)
    assert (seen.error, seen.distrust, seen.old_versions) == ("", "", ())
    assert seen.certificate is not None
    assert seen.certificate.names == (HOST,)
    assert (seen.certificate.ends - datetime.now(UTC)).days == 59
    assert see_http(ADDRESS, port, HOST, "/", tls=True).status == 301


def test_an_authority_that_the_system_does_not_know(serve: Serve, authority: Authority) -> None:
    assert see_tls(ADDRESS, serve(authority.context(HOST)), HOST).distrust == "unable to get local issuer certificate"


def test_an_ended_certificate_is_told_by_its_dates_and_not_as_distrust(serve: Serve, authority: Authority) -> None:
    seen = see_tls(ADDRESS, serve(authority.context(HOST, timedelta(days=-2))), HOST, authority.path)
    assert seen.distrust == ""
    assert seen.certificate is not None
    assert seen.certificate.ends < datetime.now(UTC)


def test_old_versions_are_noticed(serve: Serve, authority: Authority) -> None:
    context = authority.context(HOST)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.deprecated_call():
        context.minimum_version = ssl.TLSVersion.TLSv1
    assert see_tls(ADDRESS, serve(context), HOST, authority.path).old_versions == ("TLS 1.0", "TLS 1.1")
