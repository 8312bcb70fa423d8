"""What RFC 9773 adds: when the authority wants a certificate renewed, and what a new one replaces."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from executors.certificates.ari import certificate_id, parse_window
from executors.certificates.failures import RateLimited
from gitops.certificates import KeySafe, put_issued, read_certificate
from gitops.store import Store
from model.certificates import IssuedCertificate, RenewalWindow
from tests.executors.certificates.chains import DAY, NOW, authority, chain, host
from tests.executors.certificates.offices import NAME, NONE_LEFT, Obtain, Start, scripted_office
from tests.executors.certificates.scripted_acme import Reply, problem

ROOT = authority("root")


def issued(directory: str, window: RenewalWindow | None = None) -> IssuedCertificate:
    leaf = host(ROOT, NAME)
    return IssuedCertificate(
        names=(NAME,),
        chain=chain(leaf),
        sealed_key="-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n",
        serial=f"{leaf.certificate.serial_number:x}",
        not_before=leaf.certificate.not_valid_before_utc,
        not_after=leaf.certificate.not_valid_after_utc,
        issued_at=NOW,
        directory=directory,
        window=window,
    )


def test_a_window_is_asked_for_and_noted(start: Start, store: Store, safe: KeySafe) -> None:
    told = {"suggestedWindow": {"start": "2027-01-02T04:00:00Z", "end": "2027-01-03T04:00:00Z"}}
    acme = start(NONE_LEFT, windows=[Reply(body=told, headers={"Retry-After": "21600"})])
    record = put_issued(store, NAME, issued(acme.directory))
    window = scripted_office(acme, store, safe).ask_window(record)
    assert window is not None
    assert window.start == datetime(2027, 1, 2, 4, tzinfo=UTC)
    noted = read_certificate(store, NAME)
    assert noted is not None
    assert noted.issued is not None
    assert noted.issued.window == window
    (name,) = acme.windows_asked
    assert len(name.split(".")) == 2
    assert acme.asked == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, {"type": "about:blank"}),
        Reply(200, "<html>", {}, "text/html"),
        Reply(200, {"suggestedWindow": {"start": "2027-01-02T04:00:00Z", "end": "2027-01-01T04:00:00Z"}}),
        Reply(200, {"suggestedWindow": "soon"}),
        Reply(200, [1]),
    ],
)
def test_an_answer_that_makes_no_sense_leaves_the_last_window(
    start: Start, store: Store, safe: KeySafe, reply: Reply
) -> None:
    acme = start(NONE_LEFT, windows=[reply])
    before = RenewalWindow(start=NOW, end=NOW + timedelta(days=1), ask_again=NOW)
    record = put_issued(store, NAME, issued(acme.directory, before))
    assert scripted_office(acme, store, safe).ask_window(record) == before


def test_an_authority_without_windows_has_none(start: Start, store: Store, safe: KeySafe) -> None:
    acme = start(NONE_LEFT)
    record = put_issued(store, NAME, issued(acme.directory))
    assert scripted_office(acme, store, safe).ask_window(record) is None


def test_an_authority_that_is_down_leaves_the_last_window(start: Start, store: Store, safe: KeySafe) -> None:
    acme = start(NONE_LEFT, windows=[])
    before = RenewalWindow(start=NOW, end=NOW + timedelta(days=1), ask_again=NOW)
    record = put_issued(store, NAME, issued(acme.directory, before))
    acme.stop()
    assert scripted_office(acme, store, safe).ask_window(record) == before


def test_a_renewal_says_what_it_replaces(start: Start, store: Store, obtain: Obtain) -> None:
    acme = start(NONE_LEFT, windows=[Reply()])
    put_issued(store, NAME, issued(acme.directory))
    obtain(acme)
    (order,) = acme.asked
    assert order["identifiers"] == [{"type": "dns", "value": "app.example.com"}]
    assert order["replaces"].count(".") == 1


def test_what_another_authority_issued_is_not_replaced(start: Start, store: Store, obtain: Obtain) -> None:
    acme = start(NONE_LEFT, windows=[Reply()])
    put_issued(store, NAME, issued("https://elsewhere.example/directory"))
    obtain(acme)
    assert "replaces" not in acme.asked[0]


def test_an_authority_that_knows_no_windows_is_told_of_no_replacement(
    start: Start, store: Store, obtain: Obtain
) -> None:
    acme = start(NONE_LEFT)
    put_issued(store, NAME, issued(acme.directory))
    obtain(acme)
    assert "replaces" not in acme.asked[0]


@pytest.mark.parametrize(
    "reply",
    [problem("alreadyReplaced", "replaced", 409), problem("malformed", "unknown", 400), Reply(409, "conflict")],
)
def test_where_it_may_not_replace_the_order_is_an_ordinary_one(
    start: Start, store: Store, obtain: Obtain, reply: Reply
) -> None:
    acme = start(reply, NONE_LEFT, windows=[Reply()])
    put_issued(store, NAME, issued(acme.directory))
    assert isinstance(obtain(acme), RateLimited)
    assert ["replaces" in order for order in acme.asked] == [True, False]


def test_a_rate_limit_is_no_reason_to_ask_once_more(start: Start, store: Store, obtain: Obtain) -> None:
    acme = start(NONE_LEFT, windows=[Reply()])
    put_issued(store, NAME, issued(acme.directory))
    obtain(acme)
    assert len(acme.asked) == 1


def body(start: str = "2027-01-02T04:00:00Z", end: str = "2027-01-03T04:00:00Z", **more: str) -> dict[str, Any]:
    return {"suggestedWindow": {"start": start, "end": end}, **more}


def test_a_window_is_read_as_it_comes() -> None:
    read = parse_window(body(explanationURL="https://acme.example/why"), "21600", NOW)
    assert read.start == datetime(2027, 1, 2, 4, tzinfo=UTC)
    assert read.end == datetime(2027, 1, 3, 4, tzinfo=UTC)
    assert read.ask_again == NOW + timedelta(hours=6)
    assert read.explanation_url == "https://acme.example/why"


def test_times_with_fractions_and_zones_are_times_as_well() -> None:
    read = parse_window(body("2027-01-02T05:00:00.25+01:00"), "", NOW)
    assert read.start == datetime(2027, 1, 2, 4, 0, 0, 250000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("0", timedelta(minutes=1)),
        ("3600", timedelta(hours=1)),
        ("8640000", DAY),
        ("", timedelta(hours=6)),
        ("soon", timedelta(hours=6)),
        ("Thu, 26 Nov 2026 14:00:00 GMT", timedelta(hours=2)),
        ("9" * 30, timedelta(hours=6)),
    ],
)
def test_it_is_asked_again_within_a_minute_and_a_day(header: str, after: timedelta) -> None:
    assert parse_window(body(), header, NOW).ask_again == NOW + after


@pytest.mark.parametrize(
    "wrong",
    [
        body(end="2027-01-02T04:00:00Z"),
        body(end="2027-01-01T04:00:00Z"),
        body(start="2027-01-02T04:00:00"),
        body(start="tomorrow"),
    ],
)
def test_a_window_that_makes_no_sense_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        parse_window(wrong, "", NOW)


def test_a_certificate_is_called_as_in_the_example_of_the_rfc() -> None:
    """RFC 9773, section 4.1: the key identifier and the serial number 00:87:65:43:21."""
    identifier = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
    assert certificate_id(_certificate(identifier, 0x87654321)) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


def test_one_that_does_not_name_its_issuers_key_has_no_such_name() -> None:
    with pytest.raises(ValueError, match="does not say by which key"):
        certificate_id(_certificate(None, 1))


def _certificate(identifier: bytes | None, serial: int) -> x509.Certificate:
    of_host = host(ROOT, NAME)
    builder = (
        x509.CertificateBuilder()
        .subject_name(of_host.certificate.subject)
        .issuer_name(ROOT.certificate.subject)
        .public_key(of_host.key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
    )
    if identifier is not None:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(identifier, None, None), critical=False)
    return builder.sign(ROOT.key, hashes.SHA256())
