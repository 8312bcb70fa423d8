"""The padlock check: what was seen in, findings out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.padlock import Certificate, HttpSeen, PortSeen, TlsSeen, covers, findings, report
from executors.padlock_check import PadlockCheck
from gitops.registry import Registry
from gitops.store import Store
from model.errors import Refused
from tests.executors.example import registered_keys

HOST = "shop.example.com"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
REDIRECT = PortSeen("ingress016", 80, HttpSeen(301, f"https://{HOST}/"))


def certificate(names: tuple[str, ...] = (HOST,), begun: int = 20, left: int = 70) -> Certificate:
    return Certificate(names, NOW - timedelta(days=begun), NOW + timedelta(days=left))


def https(
    answer: HttpSeen | None = None,
    seen: Certificate | None = None,
    distrust: str = "",
    old_versions: tuple[str, ...] = (),
    error: str = "",
) -> PortSeen:
    tls = TlsSeen(None if error else seen or certificate(), distrust, old_versions, error)
    return PortSeen("ingress016", 443, answer or HttpSeen(200, hsts=True), tls)


def test_all_well_is_one_line() -> None:
    assert report(HOST, [REDIRECT, https()], NOW) == (
        f":large_green_circle: *{HOST}*: ingress016 answers as it should, certificate good for 70 days"
    )


@pytest.mark.parametrize(
    ("seen", "level", "text"),
    [
        (
            PortSeen("ingress016", 80, HttpSeen(error="Connection refused")),
            "error",
            "port 80: no answer (Connection refused)",
        ),
        (
            PortSeen("ingress016", 80, HttpSeen(301, "http://elsewhere/")),
            "warning",
            "plain HTTP, not redirected to https",
        ),
        (https(HttpSeen(503, hsts=True)), "error", "answers 503"),
        (https(HttpSeen(404, hsts=True)), "warning", "answers 404"),
        (https(HttpSeen(200)), "warning", "no HSTS"),
        (https(error="silent for 4 s"), "error", "port 443: no TLS connection (silent for 4 s)"),
        (https(distrust="self-signed certificate"), "error", "not trusted (self-signed certificate)"),
        (https(seen=certificate(("other.example.com",))), "error", "the certificate is for other.example.com"),
        (https(seen=certificate(())), "error", "the certificate is for no name at all"),
        (https(seen=certificate(left=-1)), "error", "the certificate ended on 2026-04-30"),
        (https(seen=certificate(begun=-1)), "error", "the certificate begins on 2026-05-02 only"),
        (https(seen=certificate(begun=70, left=20)), "warning", "ends in 20 days and was not renewed in time"),
        (https(seen=certificate(begun=5, left=2)), None, ""),
        (https(old_versions=("TLS 1.0", "TLS 1.1")), "warning", "TLS 1.0 and TLS 1.1 accepted"),
    ],
)
def test_each_fault_has_its_line_and_its_mend(seen: PortSeen, level: str | None, text: str) -> None:
    found = findings(HOST, [seen], NOW)
    if level is None:
        assert found == []
        return
    (finding,) = found
    assert finding.level == level
    assert text in finding.text
    assert finding.mend


def test_the_worst_comes_first() -> None:
    lines = report(HOST, [PortSeen("ingress016", 80, HttpSeen(200)), https(distrust="self-signed certificate")], NOW)
    assert [line.split()[0] for line in lines.splitlines()] == [":red_circle:", ":large_yellow_circle:"]


def test_a_missing_intermediate_is_told_from_an_unknown_authority() -> None:
    (missing,) = findings(HOST, [https(distrust="unable to get local issuer certificate")], NOW)
    (unknown,) = findings(HOST, [https(distrust="self-signed certificate")], NOW)
    assert "whole chain" in missing.mend
    assert "whole chain" not in unknown.mend


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("shop.example.com", "SHOP.example.com.", True),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.shop.example.com", False),
        ("shop.example.com", "shop.example.org", False),
    ],
)
def test_which_names_stand_for_a_host(name: str, host: str, expected: bool) -> None:
    assert covers(name, host) is expected


@given(st.text(max_size=300))
def test_what_a_server_says_means_nothing_to_slack(said: str) -> None:
    seen = PortSeen("ingress016", 80, HttpSeen(error=said))
    text = report(HOST, [seen], NOW)
    assert "<" not in text
    assert ">" not in text
    assert len(text.splitlines()) == 1


def test_an_unknown_host_is_told_the_known_ones(store: Store) -> None:
    store.write(registered_keys("several"))
    with pytest.raises(Refused) as refused:
        PadlockCheck()(("shop.example.org",), Registry(store))
    assert refused.value.sentence == (
        "No app is published at shop.example.org. There are later.example.com, shop.example.com, vault.example.com."
    )


def test_before_the_first_app_no_host_is_known(store: Store) -> None:
    with pytest.raises(Refused, match=r"^No app is published at x\. No app has a public address yet\.$"):
        PadlockCheck()(("x",), Registry(store))
