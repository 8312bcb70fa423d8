"""Redirects: where they lead, and whether they end."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.padlock.findings import Finding
from executors.padlock.judgement import findings
from executors.padlock.redirects import LONGEST, follow
from executors.padlock.seen import Answer, Hop, HostSeen, PortSeen, TlsSeen
from tests.executors.padlock.test_certificate import NOW

HOST = "shop.example.com"
HTTP, HTTPS = f"http://{HOST}/", f"https://{HOST}/"
OURS = frozenset({HOST, "www.example.com"})
HSTS = {"strict-transport-security": "max-age=31536000"}


def judged(begin: str, web: Mapping[str, str]) -> list[Finding]:
    """The findings where each address redirects to the other it is given; those that are not there answer 200."""

    def ask(url: str) -> Answer:
        return Answer(302, HSTS | {"location": web[url]}) if url in web else Answer(200, HSTS)

    tls = TlsSeen() if begin.startswith("https") else None
    port = PortSeen("ingress016", 1, follow(begin, ask, OURS), tls)
    return findings(HostSeen(HOST, (port,)), OURS, "letsencrypt.org", NOW)


@pytest.mark.parametrize(
    ("begin", "web", "kind"),
    [
        (HTTP, {HTTP: HTTPS}, None),
        (HTTP, {HTTP: "HTTPS://Shop.example.com/"}, None),
        (HTTP, {HTTP: f"{HTTPS}#top"}, None),
        (HTTP, {HTTP: "/in", f"{HTTP}in": HTTPS}, None),
        (HTTP, {HTTP: "https://www.example.com/"}, None),
        (HTTP, {HTTP: HTTPS, HTTPS: "https://login.example.org/"}, None),
        (HTTPS, {HTTPS: "/in"}, None),
        (HTTPS, {HTTPS: "https://login.example.org/"}, None),
        (HTTP, {}, "no redirect"),
        (HTTP, {HTTP: "/in"}, "no redirect"),
        (HTTP, {HTTP: "http://stranger.example.org/"}, "no redirect"),
        (HTTP, {HTTP: "ftp://"}, "no redirect"),
        (HTTP, {HTTP: "https://stranger.example.org/"}, "redirect elsewhere"),
        (HTTPS, {HTTPS: f"{HTTP}in"}, "redirect to http"),
        (HTTPS, {HTTPS: "http://stranger.example.org/"}, "redirect to http"),
        (HTTP, {HTTP: HTTP}, "redirect loop"),
        (HTTP, {HTTP: HTTPS, HTTPS: HTTPS}, "redirect loop"),
        (HTTPS, {HTTPS: "/a", f"{HTTPS}a": "/b", f"{HTTPS}b": "/a"}, "redirect loop"),
    ],
)
def test_each_way_to_redirect(begin: str, web: Mapping[str, str], kind: str | None) -> None:
    assert [one.kind for one in judged(begin, web)] == ([] if kind is None else [kind])


def test_a_loop_is_told_in_the_same_words_from_wherever_it_begins() -> None:
    web = {HTTP: HTTPS, HTTPS: HTTP}
    (one,), (other,) = judged(HTTP, web), judged(HTTPS, web)
    assert one == other
    assert one.text == f"the redirects go round: {HTTP} to {HTTPS} to {HTTP}"
    assert one.port is None


def test_redirects_without_an_end_are_followed_for_a_while_only() -> None:
    asked: list[str] = []

    def ask(url: str) -> Answer:
        asked.append(url)
        return Answer(302, HSTS | {"location": f"{url}x"})

    port = PortSeen("ingress016", 443, follow(HTTPS, ask, OURS), TlsSeen())
    (finding,) = findings(HostSeen(HOST, (port,)), OURS, "letsencrypt.org", NOW)
    assert finding.kind == "redirect loop"
    assert len(asked) == LONGEST


def test_a_stranger_is_not_asked() -> None:
    *_, last = follow(HTTP, lambda _: Answer(301, {"location": "https://stranger.example.org/"}), OURS)
    assert (last.url, last.answer) == ("https://stranger.example.org/", Answer())


def test_a_port_that_is_told_by_itself_is_not_told_where_it_is_redirected_to() -> None:
    closed = Answer(error="Connection refused")
    answers = {HTTP: Answer(301, {"location": HTTPS}), HTTPS: closed}
    ports = (
        PortSeen("ingress016", 443, (Hop(HTTPS, closed),)),
        PortSeen("ingress016", 80, follow(HTTP, answers.__getitem__, OURS)),
    )
    (finding,) = findings(HostSeen(HOST, ports), OURS, "letsencrypt.org", NOW)
    assert (finding.port, finding.text) == (443, "no answer (Connection refused)")


@given(st.lists(st.text(max_size=80), max_size=5))
def test_whatever_a_location_says_redirects_come_to_an_end(locations: list[str]) -> None:
    left = iter(locations)
    hops = follow(HTTPS, lambda _: Answer(302, {"location": next(left, "")}), OURS)
    assert 1 <= len(hops) <= len(locations) + 1


def test_a_redirect_into_nothing() -> None:
    answers = {HTTP: Answer(301, {"location": HTTPS}), HTTPS: Answer(error="Connection refused")}
    port = PortSeen("ingress016", 80, follow(HTTP, answers.__getitem__, OURS))
    (finding,) = findings(HostSeen(HOST, (port,)), OURS, "letsencrypt.org", NOW)
    assert finding.text == f"redirected to {HTTPS}, where there is no answer (Connection refused)"
