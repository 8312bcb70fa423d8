"""What people get at an ingress, from the real nginx and HAProxy with the files that flstr makes."""

import gzip
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest

from executors.answering_ingress import answers
from executors.padlock.check import round_over
from gitops.registered_tree import parse
from model import keys
from model.registered import IngressLocation, IngressPublish, IngressRecord, Registered
from tests.executors.ingress_here import ADDRESS, App, IngressHere, wait_for
from tests.executors.issued import pair_for, record_of
from tests.ports import free_port

SHOP, WILD, LATER, PLAIN, EMPTY = (
    "shop.example.com",
    "*.example.com",
    "later.example.com",
    "plain.example.org",
    "empty.example.com",
)
STYLE = b"body { color: black }\n" * 400


@dataclass(frozen=True)
class Served:
    """An ingress with what it serves."""

    here: IngressHere
    registered: Registered
    https: int
    shop: App
    api: App

    def secure(self, path: str, *options: str, host: str = SHOP) -> str:
        return self.here.curl(f"https://{host}:{self.https}{path}", *options)

    def plain(self, path: str, *options: str, host: str = SHOP) -> str:
        return self.here.curl(f"http://{host}:{self.here.http_port}{path}", *options)


def tree(https: int, shop: App, api: App) -> dict[str, str]:
    """A host with a frontend and a backend, a wildcard, and hosts that wait, are plain, and lead to nothing."""
    node = {"name": "ingress016", "ip": ADDRESS, "services": [], "role": "ingress", "pool": "ingress"}
    found = {keys.node("ingress016"): json.dumps(node)}
    for kind, name, app in (("frontend", "shop", shop), ("backend", "api", api), ("backend", "empty", None)):
        meta = {"publish": {"port": free_port()}, "env_prefix": "X", "env": {"PROTOCOL": "http", "PATH": "/"}}
        found[f"{kind}/{name}/meta_data"] = json.dumps(meta)
        if app is not None:
            instance = {"node": "worker101", "ip": ADDRESS, "port": app.port, "commit": "1" * 40}
            found[f"{kind}/{name}/instance/1-ab12cd34"] = json.dumps(instance)
    for host, kind, name, hsts in (
        (SHOP, "frontend", "shop", True),
        (WILD, "backend", "api", False),
        (LATER, "frontend", "shop", True),
        (EMPTY, "backend", "empty", True),
        (PLAIN, "frontend", "shop", None),
    ):
        locations = [IngressLocation.model_validate({"location": "/", "type": kind, "name": name})]
        if host == SHOP:
            locations.append(IngressLocation(location="/api", type="backend", name="api"))
        if host == PLAIN:
            locations = [IngressLocation(location="/inside", type="frontend", name="shop")]
        port = 80 if hsts is None else https
        publish = IngressPublish(port=port, ssl=hsts is not None, host_name=host, hsts=bool(hsts))
        found[keys.ingress(host, port)] = IngressRecord(publish=publish, location=tuple(locations)).to_json()
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if shutil.which("haproxy") is None or shutil.which("nginx") is None:
        pytest.skip("needs Debian's haproxy and nginx-light")
    packed = gzip.compress(STYLE)
    shop = App(
        "shop", {"/style.css": ("text/css", STYLE), "/packed": ("text/css+gzip", packed), "/png": ("image/png", STYLE)}
    )
    api, https = App("api"), free_port()
    pairs = {host: pair_for(host) for host in (SHOP, WILD, EMPTY)}
    found = tree(https, shop, api)
    found |= {keys.certificate(host): record_of(pair, "1").to_json() for host, pair in pairs.items()}
    registered = parse(found)
    here = IngressHere(tmp_path_factory.mktemp("ingress"), registered, pairs, limit=4)
    try:
        here.start()
        yield Served(here, registered, https, shop, api)
    finally:
        here.stop()
        shop.stop()
        api.stop()


def test_a_host_is_served_by_http_2_over_tls(served: Served) -> None:
    assert served.secure("/", "--http2", "--write-out", " %{http_version}") == "shop / 2"
    assert served.secure("/", "--http1.1", "--write-out", " %{http_version}") == "shop / 1.1"


def test_its_paths_lead_to_a_frontend_and_a_backend(served: Served) -> None:
    assert served.secure("/api/users") == "api /api/users"
    assert served.secure("/api") == "api /api"
    assert served.secure("/apis") == "shop /apis"


def test_tls_is_1_2_or_1_3_and_nothing_older(served: Served) -> None:
    for version, answer in (("1.2", "shop /"), ("1.3", "shop /")):
        assert served.secure("/", "--tlsv1.2", "--tls-max", version) == answer
    assert "curl: (35)" in served.secure("/", "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0")


def test_the_whole_chain_is_sent_and_sessions_are_resumed_without_tickets(served: Served) -> None:
    command = ["openssl", "s_client", "-connect", f"{ADDRESS}:{served.https}", "-servername", SHOP, "-tls1_2"]
    command += ["-reconnect", "-showcerts", "-CAfile", str(served.here.authority)]
    said = subprocess.run(command, input="", capture_output=True, text=True, check=False).stdout
    assert "Verify return code: 0 (ok)" in said
    assert said.count("BEGIN CERTIFICATE") >= 2
    assert "Reused, TLSv1.2" in said
    assert "TLS session ticket:" not in said


def test_a_client_of_long_ago_gets_no_cipher(served: Served) -> None:
    assert "curl: (35)" in served.secure("/", "--tls-max", "1.2", "--ciphers", "AES256-SHA:ECDHE-ECDSA-AES256-SHA")


def test_browsers_are_told_to_come_by_https_once(served: Served) -> None:
    head = served.secure("/", "--head").lower()
    assert [line for line in head.splitlines() if "strict" in line] == ["strict-transport-security: max-age=31536000"]
    wild = served.secure("/", "--head", host="other.example.com").lower()
    assert "strict-transport-security: max-age=0\n" in wild


def test_the_plain_port_redirects_with_the_method_kept(served: Served) -> None:
    for host in (SHOP, "any.example.com"):
        answer = served.plain("/a?b=c", "--data", "x", "--write-out", "%{http_code} %{redirect_url}", host=host)
        assert answer.endswith(f"308 https://{host}:{served.https}/a?b=c")


@pytest.mark.parametrize("host", [SHOP, LATER, PLAIN, "any.example.com", "unknown.example.org"])
def test_challenges_are_answered_whatever_the_host(served: Served, host: str) -> None:
    served.here.challenge("token", "token.thumbprint\n")
    assert served.plain("/.well-known/acme-challenge/token", host=host) == "token.thumbprint\n"


def test_an_unknown_name_gets_no_handshake_and_on_the_plain_port_404(served: Served) -> None:
    assert "unrecognized name" in served.secure("/", host="unknown.example.org")
    assert (
        served.plain("/", "--output", "/dev/null", "--write-out", "%{http_code}", host="unknown.example.org") == "404"
    )


def test_a_name_that_is_asked_for_in_the_handshake_of_another_is_misdirected(served: Served) -> None:
    answer = served.secure(
        "/", "--header", "Host: unknown.example.org", "--output", "/dev/null", "--write-out", "%{http_code}"
    )
    assert answer == "421"


def test_an_exact_host_wins_beside_a_wildcard(served: Served) -> None:
    assert served.secure("/", host="anything.example.com") == "api /"
    assert served.secure("/", host=SHOP) == "shop /"


def test_a_host_without_a_certificate_is_a_clean_503_and_not_served_by_the_wildcard_beside_it(served: Served) -> None:
    for options in ((), ("--data", "x")):
        answer = served.plain("/", "--include", *options, host=LATER).lower()
        assert answer.startswith("http/1.1 503 ")
        assert "retry-after: 30" in answer.splitlines()
        assert "unavailable just now" in answer
    assert "unrecognized name" in served.secure("/", host=LATER)


def test_an_app_without_instances_is_a_clean_503(served: Served) -> None:
    answer = served.secure("/", "--include", host=EMPTY).lower()
    assert answer.startswith("http/2 503 ")
    assert {"retry-after: 5", "cache-control: no-store", "strict-transport-security: max-age=31536000"} <= set(
        answer.splitlines()
    )
    assert "unavailable just now" in answer


def test_a_path_that_leads_nowhere_is_404(served: Served) -> None:
    assert served.plain("/inside", host=PLAIN) == "shop /inside"
    assert served.plain("/", "--output", "/dev/null", "--write-out", "%{http_code}", host=PLAIN) == "404"


def test_text_is_packed_where_the_client_can_unpack_it(served: Served) -> None:
    size = ("--output", "/dev/null", "--write-out", "%{size_download}")
    packed = served.secure("/style.css", "--compressed", "--include").lower().splitlines()
    assert {"content-encoding: gzip", "vary: accept-encoding"} <= set(packed)
    assert int(served.secure("/style.css", *size, "--header", "Accept-Encoding: gzip")) < len(STYLE) / 10
    assert int(served.secure("/style.css", *size)) == len(STYLE)
    # What is packed already, or is no text, passes as it is.
    assert int(served.secure("/packed", *size, "--header", "Accept-Encoding: gzip")) == len(gzip.compress(STYLE))
    assert int(served.secure("/png", *size, "--header", "Accept-Encoding: gzip")) == len(STYLE)


def test_an_app_is_told_who_came_and_how_whatever_strangers_claim(served: Served) -> None:
    served.secure("/told", "--header", "X-Forwarded-For: 10.0.0.1", "--header", "X-Forwarded-Proto: http")
    told = served.shop.asked[-1]
    assert told["x-forwarded-proto"] == "https"
    assert told["x-forwarded-for"] == told["x-real-ip"] == ADDRESS
    assert told["x-forwarded-port"] == str(served.https)
    assert told["host"] == f"{SHOP}:{served.https}"
    served.plain("/inside", host=PLAIN)
    assert served.shop.asked[-1]["x-forwarded-proto"] == "http"


def test_nobody_changes_the_protocol_but_to_a_websocket(served: Served) -> None:
    served.secure("/", "--http1.1", "--header", "Connection: Upgrade, HTTP2-Settings", "--header", "Upgrade: h2c")
    assert "upgrade" not in served.shop.asked[-1]


def test_a_websocket_passes_through_tls(served: Served) -> None:
    context = ssl.create_default_context(cafile=str(served.here.authority))
    with (
        socket.create_connection((ADDRESS, served.https), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=SHOP) as connection,
    ):
        connection.sendall(
            f"GET /socket HTTP/1.1\r\nHost: {SHOP}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 101 ")
        while stream.readline().strip():
            pass
        connection.sendall(b"hello\n")
        assert stream.readline() == b"echo hello\n"


def test_an_address_that_holds_too_much_is_told_so_and_the_line_names_the_app(served: Served) -> None:
    """The limit is 4 here. What another test has left may still count for a moment."""
    code = ("--output", "/dev/null", "--write-out", "%{http_code}")
    with ThreadPoolExecutor(4) as pool:
        held: list[Future[str]] = []

        def came(so_far: int) -> bool:
            return held[-1].done() or served.shop.held > so_far

        while served.shop.held < 4:
            so_far = served.shop.held
            held.append(pool.submit(served.secure, "/hold", "--http1.1"))
            wait_for(partial(came, so_far), served.here.said)
        assert served.secure("/limited", *code) == "429"
        served.shop.free.set()
        assert [one.result() for one in held].count("shop /hold") == 4
    assert " app frontend-shop " in served.here.awaited_request('GET /limited HTTP/2.0" 429 ')
    wait_for(lambda: served.secure("/limited", *code) == "200", served.here.said)


def test_both_logs_name_the_app(served: Served) -> None:
    served.secure("/api/logged")
    line = served.here.awaited_request("GET /api/logged ")
    assert f"https://{SHOP}:{served.https} " in line
    assert " app backend-api upstream 127.0.0.1:" in line
    line = served.here.haproxy_request("GET /api/logged ")
    assert "backend-api backend-api/1-ab12cd34 " in line
    served.secure("/refused", host=EMPTY)
    assert "backend-empty backend-empty/<NOSRV> " in served.here.haproxy_request("GET /refused ")
    assert " app backend-empty " in served.here.awaited_request("GET /refused ")


def test_the_watch_over_ingresses_is_not_logged_and_anybody_else_is(served: Served) -> None:
    assert answers(ADDRESS, served.here.http_port, within=30)
    served.plain("/after-the-watch", host="nobody.example.com")
    served.here.awaited_request("GET /after-the-watch ")
    assert not [line for line in served.here.requests() if "HEAD / HTTP/1.0" in line]
    served.plain("/", "--head", "--http1.0", host="nobody.example.com")
    served.here.awaited_request("HEAD / HTTP/1.0")


def test_padlock_finds_nothing(served: Served) -> None:
    def padlock(host: str) -> list[str]:
        return round_over([host], served.registered, served.here.outside(served.https)).splitlines()

    assert padlock(SHOP) == [
        f":large_green_circle: *{SHOP}*: ingress016 answers as it should, certificate good for 88 days"
    ]
    (line,) = padlock(WILD)
    assert line.startswith(":large_green_circle:")
