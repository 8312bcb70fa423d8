"""What HAProxy makes of requests when the machine of an instance dies, and says so to nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executors.wired_haproxy import BACKEND, DYING, LIVING, WiredHaproxy, can_be_wired, wired_haproxy


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[WiredHaproxy]:
    if not can_be_wired():
        pytest.skip("needs root, network namespaces and Debian's haproxy")
    with wired_haproxy(tmp_path) as haproxy:
        yield haproxy


def test_a_request_that_only_connects_to_it_is_answered_by_another_also_when_it_is_marked_down(
    haproxy: WiredHaproxy,
) -> None:
    haproxy.cut_power()
    # Turn by turn, so that of each method one is sent to the dead machine.
    asked = [haproxy.request(method) for method in ("GET", "GET", "POST", "POST")]
    haproxy.wait_until(lambda: int(haproxy.stat(DYING, "stot")) >= 2)
    haproxy.ask(f"set server {BACKEND}/{DYING} health down")
    answers = [one.getresponse() for one in asked]
    assert [(answer.status, answer.read().decode()) for answer in answers] == [(200, LIVING)] * 4
    assert haproxy.stat(DYING, "status") == "DOWN"


def test_who_waits_for_its_answer_and_who_holds_a_tunnel_to_it_are_told(haproxy: WiredHaproxy) -> None:
    haproxy.ask(f"set server {BACKEND}/{LIVING} state drain")
    waiting, talking = haproxy.request("GET", "/wait"), haproxy.request("GET", "/talk")
    for _ in (waiting, talking):
        assert haproxy.dying.held.acquire(timeout=10)
    assert talking.sock is not None
    talked = talking.sock.makefile("rb")
    assert talked.readline().startswith(b"HTTP/1.1 101 ")
    haproxy.ask(f"set server {BACKEND}/{LIVING} state ready")
    haproxy.cut_power()
    assert waiting.getresponse().status == 502
    while talked.readline():
        pass


def test_a_tunnel_that_its_client_leaves_after_talking_to_it_is_gone(haproxy: WiredHaproxy) -> None:
    haproxy.ask(f"set server {BACKEND}/{LIVING} state drain")
    talking = haproxy.request("GET", "/talk")
    assert haproxy.dying.held.acquire(timeout=10)
    assert talking.sock is not None
    assert talking.sock.recv(1000).startswith(b"HTTP/1.1 101 ")
    haproxy.cut_power()
    # Nobody acknowledges it, so that no probes are sent.
    talking.sock.sendall(b"word")
    talking.close()
    haproxy.wait_until(lambda: haproxy.stat(DYING, "scur") == "0")
