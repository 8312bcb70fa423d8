"""The load client notices whatever a server does wrong, and calls nothing else a failure."""

import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.story.load import Load
from lab.story.load_client import Orders
from lab.story.load_records import Report, Request
from tests.executors.padlock.authority import Authority, key_pem, pem_of
from tests.lab.story.bad_server import (
    Answer,
    BadServer,
    breaking,
    closing,
    cutting,
    deaf,
    echoing,
    impatient,
    mute,
    saying_goodbye,
    silent,
    unavailable,
    well,
)

# For a server that never answers; the others have time enough, also on a busy machine.
WITHIN = 1.0
PATIENT = 10.0


def load(port: int, kept: int = 0, short: int = 0, websockets: int = 0, within: float = PATIENT) -> Load:
    orders = Orders("127.0.0.1", "app.example.com", port, kept=kept, short=short, websockets=websockets, within=within)
    return Load(orders)


def https_load(port: int, root: str) -> Load:
    return Load(Orders("127.0.0.1", "app.example.com", port, root, kept=1, short=1, websockets=1, within=PATIENT))


def report(
    users: Mapping[str, int], more: int, answer: Answer = well, socket: Answer = echoing, within: float = PATIENT
) -> Report:
    """What a load says of a server, after some requests."""
    with BadServer(answer, socket) as server, load(server.port, **users, within=within) as running:
        running.wait_for(more)
    return running.report


def kinds(of: Report) -> set[str]:
    return {request.kind for request in of.asked}


def test_a_server_that_does_well_has_no_failures() -> None:
    said = report({"kept": 2, "short": 2, "websockets": 2}, more=50)
    assert kinds(said) == {"kept", "short", "websocket"}
    assert said.failures == ()
    assert set(said.answers) == {"app first"}
    assert said.answers.total() == said.requests > 50
    assert not any(request.again for request in said.asked)
    assert [socket.end for socket in said.sockets] == ["ours", "ours"]


@pytest.mark.parametrize("users", [{"kept": 1}, {"short": 1}], ids=["kept", "short"])
@pytest.mark.parametrize(
    ("answer", "within", "reason"),
    [
        (unavailable, PATIENT, "status 503"),
        (silent, WITHIN, f"no whole answer within {WITHIN:g} s"),
        (closing, PATIENT, "closed without an answer"),
        (breaking, PATIENT, "closed in the middle of an answer"),
    ],
    ids=["unavailable", "silent", "closing", "breaking"],
)
def test_each_way_to_fail_is_counted_each_time(
    users: dict[str, int], answer: Answer, within: float, reason: str
) -> None:
    said = report(users, 3, answer, within=within)
    assert {request.failure for request in said.failures} == {reason}
    assert len(said.failures) == said.requests >= 4
    assert said.answers.total() == 0


@pytest.mark.parametrize("users", [{"kept": 1}, {"short": 1}, {"websockets": 1}], ids=["kept", "short", "websocket"])
def test_a_server_that_is_not_there_is_a_failure(users: dict[str, int]) -> None:
    with socket.socket() as probe:
        # Bound and not listening: whoever asks is refused, and no other process gets the port meanwhile.
        probe.bind(("127.0.0.1", 0))
        with load(probe.getsockname()[1], **users) as running:
            running.wait_for(3)
    assert len(running.report.failures) == running.report.requests >= 4
    assert all("no connection" in one.failure or "no websocket" in one.failure for one in running.report.failures)


def test_a_kept_connection_that_is_closed_while_it_is_idle_is_opened_again_and_marked() -> None:
    said = report({"kept": 1}, 10, impatient)
    assert said.failures == ()
    assert [request.again for request in said.asked[:4]] == [False, True, True, True]


def test_a_websocket_that_the_server_closes_in_order_is_told_apart_and_opened_again() -> None:
    with BadServer(well, saying_goodbye) as server, load(server.port, websockets=1) as running:
        running.wait_for(3)
    said = running.report
    assert said.failures == ()
    closed = [socket for socket in said.sockets if socket.end != "ours"]
    assert {socket.end for socket in closed} == {"closed"}
    assert {socket.reason for socket in closed} == {"1001"}
    assert {socket.release for socket in closed} == {"app first"}
    assert len(closed) >= 2
    assert all(0 <= socket.age < PATIENT for socket in closed)
    # The load may end between a greeting and the first ping.
    assert len(said.sockets) - len(closed) <= 1


def test_a_websocket_that_is_cut_off_is_told_apart() -> None:
    said = report({"websockets": 1}, 3, socket=cutting)
    assert said.failures == ()
    assert {socket.end for socket in said.cut} == {"cut"}
    assert len(said.cut) >= 3


def test_a_websocket_without_echo_is_cut() -> None:
    said = report({"websockets": 1}, 1, socket=deaf, within=WITHIN)
    assert {socket.reason for socket in said.cut} == {f"no echo within {WITHIN:g} s"}


@pytest.mark.parametrize(
    ("answer", "within", "reason"),
    [(unavailable, PATIENT, "status 503"), (mute, WITHIN, f"no greeting within {WITHIN:g} s")],
    ids=["no handshake", "no greeting"],
)
def test_a_websocket_that_does_not_begin_is_a_failure(answer: Answer, within: float, reason: str) -> None:
    said = report({"websockets": 1}, 3, socket=answer, within=within)
    assert {request.failure for request in said.failures} == {reason}
    assert len(said.failures) == said.requests
    assert said.sockets == ()


def test_failures_have_their_time() -> None:
    with BadServer(silent, echoing) as server:
        before = time.time()
        with load(server.port, kept=3, within=WITHIN) as running:
            running.wait_for(3)
        said, after = running.report, time.time()
    assert len(said.failures) == said.requests >= 4
    assert all(before < one.began < one.ended < after for one in said.failures)
    assert said.between(before, after).requests == said.requests
    assert said.between(0, before).requests == 0
    assert all(one in said.in_flight((one.began + one.ended) / 2) for one in said.failures)


def test_in_flight_is_what_had_begun_and_not_ended() -> None:
    asked = tuple(Request("short", began, ended) for began, ended in ((1, 2), (1, 4), (3, 5), (4, 6)))
    assert Report(asked).in_flight(3.5) == asked[1:3]


def tls(authority: Authority, folder: Path, *names: str) -> ssl.SSLContext:
    issued = authority.issue(*names)
    pair = folder / "pair.pem"
    pair.write_bytes(pem_of(issued.certificate, authority.intermediate.certificate) + key_pem(issued.key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    return context


@pytest.mark.parametrize(
    ("names", "failures"), [(("app.example.com",), {""}), (("other.example.com",), {"no connection", "no websocket"})]
)
def test_by_https_a_certificate_has_to_be_for_the_host(
    tmp_path: Path, names: tuple[str, ...], failures: set[str]
) -> None:
    authority = Authority(tmp_path)
    served, root = tls(authority, tmp_path, *names), str(authority.path)
    with BadServer(well, echoing, served) as server, https_load(server.port, root) as running:
        running.wait_for(20)
    said = running.report
    assert {one.failure.partition(":")[0] for one in said.asked} == failures
    assert kinds(said) == {"kept", "short", "websocket"}


def test_by_https_a_certificate_has_to_be_of_the_trusted_authority(tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    served = tls(Authority(tmp_path), tmp_path, "app.example.com")
    with BadServer(well, echoing, served) as server, https_load(server.port, str(stranger.path)) as running:
        running.wait_for(3)
    assert all(one.failure for one in running.report.asked)


def test_a_load_that_breaks_is_no_load_without_failures() -> None:
    with pytest.raises(LabError, match="the load has ended by itself"):
        Load(Orders("127.0.0.1", "no host \udcff", kept=1)).__enter__()


def test_a_load_that_is_killed_is_no_load_without_failures() -> None:
    with BadServer(well, echoing) as server, pytest.raises(LabError, match="the load ended with status -9"):
        kill_in_the_middle(load(server.port, kept=1))


def kill_in_the_middle(of: Load) -> None:
    with of as running:
        assert running._process is not None
        running._process.kill()
