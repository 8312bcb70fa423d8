"""What an authority says instead of a certificate, and what a person reads of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executors.certificates.failures import (
    AuthorityUnreachable,
    RateLimited,
    authority_name,
    parse_retry_after,
)
from executors.certificates.http01 import Http01Solver
from executors.certificates.proofs import Proof
from gitops.certificates import read_certificate
from gitops.executor import HostFence
from gitops.store import Store
from model.errors import StepFailed
from tests.executors.certificates.offices import NONE_LEFT, Obtain, Start
from tests.executors.certificates.scripted_acme import Reply, problem
from tests.executors.scripted import ScriptedRemote

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def test_a_rate_limit_is_told_with_the_date_when_it_ends(
    start: Start, obtain: Obtain, store: Store, pauses: list[float]
) -> None:
    reply = problem("rateLimited", "too many certificates (5) already issued", 429, "Tue, 01 Dec 2026 08:30:00 GMT")
    failed = obtain(start(reply))
    assert isinstance(failed, RateLimited)
    assert failed.sentence == (
        "app.example.com: 127.0.0.1 issues no more before 2026-12-01 08:30 UTC (too many certificates (5) already issued)"
    )
    record = read_certificate(store, "app.example.com")
    assert record is not None
    assert record.failure is not None
    assert record.failure.retry_at == failed.retry_at == datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
    assert pauses == []


def test_a_rate_limit_without_a_date_is_an_hour(start: Start, obtain: Obtain) -> None:
    before = datetime.now(UTC)
    failed = obtain(start(problem("rateLimited", "too many", 429)))
    assert failed.retry_at is not None
    assert failed.retry_at >= before + timedelta(hours=1)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (
            problem("caa", "CAA record for example.com prevents issuance"),
            "app.example.com: no certificate, because a CAA record of app.example.com does not allow 127.0.0.1 to issue; "
            "let one name it, or none be there (CAA record for example.com prevents issuance)",
        ),
        (
            problem("dns", "SERVFAIL looking up A"),
            "app.example.com: no certificate, because 127.0.0.1 gets no DNS answer for app.example.com; see that its "
            "address record exists and its name servers answer (SERVFAIL looking up A)",
        ),
        (
            problem("rejectedIdentifier", "policy", identifier={"type": "dns", "value": "bad.example.com"}),
            "app.example.com: no certificate, because 127.0.0.1 issues nothing for bad.example.com (policy)",
        ),
        (
            problem("compound", "two", subproblems=[{"type": "x", "detail": "one\nhere"}, {"type": "y"}]),
            "app.example.com: no certificate, because 127.0.0.1 refuses app.example.com (two; one here; y)",
        ),
        (
            problem("somethingNew", "x" * 5000),
            f"app.example.com: no certificate, because 127.0.0.1 refuses app.example.com ({'x' * 300}…)",
        ),
        (
            Reply(200, "<html>maintenance</html>", {}, "text/html"),
            "app.example.com: 127.0.0.1 gave an answer that is not ACME; see {directory}",
        ),
        (
            Reply(201, {"status": "pending"}),
            "app.example.com: 127.0.0.1 gave an answer that is not ACME; see {directory}",
        ),
        (Reply(404, "not here"), "app.example.com: 127.0.0.1 gave an answer that is not ACME; see {directory}"),
    ],
)
def test_each_refusal_is_one_sentence(
    start: Start,
    obtain: Obtain,
    reply: Reply,
    sentence: str,
    pauses: list[float],
) -> None:
    acme = start(reply)
    assert obtain(acme).sentence == sentence.replace("{directory}", acme.directory)
    assert len(acme.asked) == 1
    assert pauses == []


@pytest.mark.parametrize("reply", [problem("serverInternal", "sorry", 500), Reply(502, "<html>", {}, "text/html")])
def test_what_passes_is_tried_again_and_then_told(
    start: Start, obtain: Obtain, pauses: list[float], reply: Reply
) -> None:
    acme = start(reply)
    assert isinstance(obtain(acme), AuthorityUnreachable)
    assert len(acme.asked) == 4
    assert pauses == [1.0, 2.0, 4.0]


def test_a_pause_that_the_authority_asks_for_is_made_where_there_is_time(
    start: Start, obtain: Obtain, pauses: list[float]
) -> None:
    acme = start(problem("serverInternal", "sorry", 503, "30"), problem("serverInternal", "sorry", 503, "30000"))
    failed = obtain(acme)
    assert len(acme.asked) == 2
    assert [round(pause) for pause in pauses] == [30]
    assert failed.retry_at is not None


def test_a_nonce_that_is_rejected_again_and_again_is_given_up(start: Start, obtain: Obtain) -> None:
    acme = start(*[problem("badNonce", "bad", 400)] * 10, NONE_LEFT)
    assert isinstance(obtain(acme), RateLimited)
    assert len(acme.asked) == 11
    stubborn = start(problem("badNonce", "bad", 400))
    assert "bad" in obtain(stubborn).sentence
    assert len(stubborn.asked) == 20


@pytest.mark.parametrize(
    ("header", "when"),
    [
        ("120", NOW + timedelta(minutes=2)),
        ("0", NOW),
        ("Thu, 26 Nov 2026 13:00:00 GMT", NOW + timedelta(hours=1)),
        ("Thu, 26 Nov 2026 14:00:00 +0100", NOW + timedelta(hours=1)),
        ("Thu, 26 Nov 2026 13:00:00 -0000", NOW + timedelta(hours=1)),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("9" * 40, None),
        ("9" * 5000, None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
    ],
)
def test_when_to_ask_again(header: str, when: datetime | None) -> None:
    assert parse_retry_after(header, NOW) == when


# White space to `str.strip`, and none to `int`.
@example("0\x1f")
@given(st.text())
def test_any_header_is_a_time_with_a_zone_or_nothing(header: str) -> None:
    when = parse_retry_after(header, NOW)
    assert when is None or when.tzinfo is not None


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("https://acme-v02.api.letsencrypt.org/directory", "Let's Encrypt"),
        ("https://acme-staging-v02.api.letsencrypt.org/directory", "Let's Encrypt's staging"),
        ("https://127.0.0.1:14000/dir", "127.0.0.1"),
        ("https://letsencrypt.org.example/directory", "letsencrypt.org.example"),
    ],
)
def test_what_people_call_an_authority(directory: str, name: str) -> None:
    assert authority_name(directory) == name


@pytest.mark.parametrize("token", ["", "short", "../../../etc/passwd-and-more", "a" * 201, "a" * 30 + "\n", "a b" * 20])
def test_a_token_that_could_be_another_file_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r"^app\.example\.com: the token of a challenge is base64url"):
        Proof("http-01", "app.example.com", token, "content")


def test_without_an_ingress_nobody_could_be_asked() -> None:
    solver = Http01Solver(ScriptedRemote(lambda node, script: ""), HostFence(1), {})
    with pytest.raises(StepFailed, match="no ingress is registered"):
        solver.put(())
