"""When a certificate is renewed: pure, and always the same for a name."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.renewal import ask_due, attempt_due, renewal_due
from model.certificates import CertificateRecord, IssuedCertificate, IssueFailure, RenewalWindow

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SEALED = "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n"
NAMES = st.from_regex(r"[a-z]{1,20}\.example\.com", fullmatch=True)
DAYS = st.integers(2, 100)


def issued(days: int, window: RenewalWindow | None = None) -> IssuedCertificate:
    return IssuedCertificate(
        names=("app.example.com",),
        chain="",
        sealed_key=SEALED,
        serial="1",
        not_before=NOW,
        not_after=NOW + days * DAY,
        issued_at=NOW,
        directory="https://acme.example/directory",
        window=window,
    )


def window(start: datetime, end: datetime, ask_again: datetime = NOW + DAY) -> RenewalWindow:
    return RenewalWindow(start=start, end=end, ask_again=ask_again)


@given(DAYS, NAMES)
def test_without_a_word_of_the_authority_it_is_two_thirds_of_the_lifetime_at_the_latest(days: int, name: str) -> None:
    share = (renewal_due(issued(days), None, name) - NOW) / (days * DAY)
    assert 0.6 <= share <= 2 / 3 + 1e-9


@given(DAYS, NAMES, st.integers(0, 90), st.integers(1, 10))
def test_the_authoritys_window_counts_where_the_certificate_lives_to_see_it(
    days: int, name: str, start: int, length: int
) -> None:
    ari = window(NOW + start * DAY, NOW + (start + length) * DAY)
    due = renewal_due(issued(days), ari, name)
    if start < days:
        assert ari.start <= due <= min(ari.end, NOW + days * DAY)
    else:
        assert due == renewal_due(issued(days), None, name)


@given(DAYS, NAMES)
def test_the_same_name_is_always_due_at_the_same_time(days: int, name: str) -> None:
    assert renewal_due(issued(days), None, name) == renewal_due(issued(days), None, name)


def test_a_hundred_names_are_not_renewed_at_once() -> None:
    ari = window(NOW + 60 * DAY, NOW + 62 * DAY)
    for told in (None, ari):
        hours = {
            int((renewal_due(issued(90), told, f"app{number}.example.com") - NOW) / timedelta(hours=1))
            for number in range(100)
        }
        assert len(hours) > 30


def test_a_window_in_the_past_means_now() -> None:
    ari = window(NOW - 3 * DAY, NOW - 2 * DAY)
    assert renewal_due(issued(90), ari, "app.example.com") < NOW


def record(certificate: IssuedCertificate | None, failure: IssueFailure | None = None) -> CertificateRecord:
    return CertificateRecord(name="app.example.com", issued=certificate, failure=failure)


def test_what_was_never_issued_is_asked_for_at_once() -> None:
    assert attempt_due(record(None)) < NOW


def test_after_a_failure_it_is_asked_again_when_the_authority_says_or_in_an_hour() -> None:
    assert attempt_due(record(None, IssueFailure(sentence="no", at=NOW))) == NOW + timedelta(hours=1)
    told = IssueFailure(sentence="too many", at=NOW, retry_at=NOW + 3 * DAY)
    assert attempt_due(record(None, told)) == NOW + 3 * DAY


def test_a_failure_long_ago_does_not_hasten_or_delay_a_renewal() -> None:
    assert attempt_due(record(issued(90), IssueFailure(sentence="no", at=NOW))) == attempt_due(record(issued(90)))
    assert attempt_due(record(issued(90))) == renewal_due(issued(90), None, "app.example.com")


def test_a_renewal_that_failed_is_not_repeated_right_away() -> None:
    late = NOW + 80 * DAY
    assert attempt_due(record(issued(90), IssueFailure(sentence="no", at=late))) == late + timedelta(hours=1)


@pytest.mark.parametrize(
    ("certificate", "due"),
    [
        (issued(90), True),
        (issued(90, window(NOW + DAY, NOW + 2 * DAY, ask_again=NOW + DAY)), False),
        (issued(90, window(NOW + DAY, NOW + 2 * DAY, ask_again=NOW)), True),
        (issued(0), False),
    ],
)
def test_the_authority_is_asked_when_it_wants_to_be_and_never_of_what_has_ended(
    certificate: IssuedCertificate, due: bool
) -> None:
    assert ask_due(certificate, NOW) is due
