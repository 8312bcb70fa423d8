"""Answers of both sources: what is right is read, anything else is one clear sentence."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from executors.transparency import certspotter, crtsh
from executors.transparency.source import Unusable
from lab.ct.authority import Authority

ROW = {
    "issuer_ca_id": 295810,
    "issuer_name": "C=US, O=Let's Encrypt, CN=R11",
    "common_name": "shop.example.com",
    "name_value": "*.example.com\nSHOP.example.com\nhostmaster@example.com\nThe Shop",
    "id": 17000000001,
    "entry_timestamp": "2026-04-30T12:00:01.18",
    "not_before": "2026-04-30T11:00:00",
    "not_after": "2026-07-29T10:59:59",
    "serial_number": "00ff0a",
    "result_count": 3,
}

Parse = Callable[[bytes], object]


def parse_crtsh(body: bytes) -> object:
    return crtsh.parse("example.com", body)


def sentence(parse: Parse, body: bytes) -> str:
    with pytest.raises(Unusable) as unusable:
        parse(body)
    return unusable.value.why


def row(**changes: object) -> bytes:
    return json.dumps([ROW | changes]).encode()


def test_a_row_of_crt_sh() -> None:
    (issuance,) = crtsh.parse("example.com", row())
    assert issuance.names == ("*.example.com", "shop.example.com")
    assert (issuance.id.issuer.words, issuance.id.serial) == ("Let's Encrypt R11", "ff0a")
    assert issuance.not_before == datetime(2026, 4, 30, 11, tzinfo=UTC)
    assert issuance.logged_at == datetime(2026, 4, 30, 12, 0, 1, 180000, tzinfo=UTC)


def test_what_crt_sh_may_leave_out() -> None:
    (issuance,) = crtsh.parse("example.com", row(entry_timestamp=None, common_name=None))
    assert issuance.logged_at is None


def test_precertificate_and_certificate_count_once_with_all_names_and_the_first_time() -> None:
    later = ROW | {"name_value": "b.example.com", "entry_timestamp": "2026-05-01T00:00:00", "serial_number": "FF0A"}
    (issuance,) = crtsh.parse("example.com", json.dumps([later, ROW]).encode())
    assert issuance.names == ("*.example.com", "b.example.com", "shop.example.com")
    assert issuance.logged_at == datetime(2026, 4, 30, 12, 0, 1, 180000, tzinfo=UTC)


def test_the_same_serial_number_of_another_authority_is_another_certificate() -> None:
    other = ROW | {"issuer_name": "C=US, O=Other, CN=R11"}
    assert len(crtsh.parse("example.com", json.dumps([other, ROW]).encode())) == 2


def test_rows_for_names_that_only_look_alike_are_left_out() -> None:
    assert crtsh.parse("example.com", row(name_value="notexample.com\nexample.com.example.org")) == ()


def test_a_certificate_that_never_ends_can_be_reckoned_with() -> None:
    (issuance,) = crtsh.parse("example.com", row(not_after="9999-12-31T23:59:59"))
    assert issuance.not_after.year == 9990


def test_a_page_of_cert_spotter() -> None:
    certificate = Authority("Let's Encrypt", "R11").issue(["b.example.com", "A.example.com"], serial=0xFF0A)
    page = certspotter.parse(page_of(certificate))
    (issuance,) = page.issuances
    assert issuance.names == ("a.example.com", "b.example.com")
    assert (issuance.id.issuer.words, issuance.id.serial) == ("Let's Encrypt R11", "ff0a")
    assert issuance.not_after == certificate.not_valid_after_utc
    assert page.after == "17000000001"


def test_behind_the_last_page() -> None:
    assert certspotter.parse(b"[]") == certspotter.Page((), None)


def page_of(certificate: x509.Certificate) -> bytes:
    der = b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return json.dumps([{"id": "17000000001", "cert_der": der, "revoked": False}]).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "sent nothing"),
        (b" \n", "sent nothing"),
        (b"<html>", "sent a page for people instead of JSON"),
        (b"\n<BR><BR>Unsupported use of '%'", "sent a page for people instead of JSON"),
        (row()[:-20], "sent JSON that is broken or cut short"),
        (b"hello", "sent JSON that is broken or cut short"),
        (b"[" * 100_000, "sent JSON that is broken or cut short"),
        (b'["\xff"]', "sent JSON that is broken or cut short"),
        (b'{"message": "no"}', "sent JSON of another form"),
        (b"null", "sent JSON of another form"),
        (b"[1]", "sent JSON of another form, in entry 1"),
        (row(not_before=None), "sent JSON of another form, with no right not_before in entry 1"),
        (row(not_before=12), "sent JSON of another form, with no right not_before in entry 1"),
        (row(not_after="soon"), "sent JSON of another form, with no right not_after in entry 1"),
        (row(not_after="0001-01-01T00:00:00+10:00"), "sent JSON of another form, with no right not_after in entry 1"),
        (row(serial_number="-5"), "sent JSON of another form, with no right serial_number in entry 1"),
        (row(name_value=None), "sent JSON of another form, with no right name_value in entry 1"),
    ],
)
def test_what_crt_sh_sends_instead(body: bytes, expected: str) -> None:
    assert sentence(parse_crtsh, body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html>", "sent a page for people instead of JSON"),
        (b'{"code": "internal"}', "sent JSON of another form"),
        (b'[{"id": "7"}]', "sent JSON of another form, with no right cert_der in entry 1"),
        (b'[{"id": "x", "cert_der": ""}]', "sent JSON of another form, with no right id in entry 1"),
        (b'[{"id": "7", "cert_der": "aGVsbG8="}]', "sent JSON with no right cert_der in entry 1"),
        (b'[{"id": "7", "cert_der": "!"}]', "sent JSON with no right cert_der in entry 1"),
        ('[{"id": "7", "cert_der": "\u00e4"}]'.encode(), "sent JSON with no right cert_der in entry 1"),
    ],
)
def test_what_cert_spotter_sends_instead(body: bytes, expected: str) -> None:
    assert sentence(certspotter.parse, body) == expected


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
ALMOST = st.lists(
    st.fixed_dictionaries({}, optional={name: ANY_JSON | st.just(value) for name, value in ROW.items()}), max_size=3
)


def reads_or_says_why(parse: Parse, body: bytes) -> None:
    said = "sent what could be read"
    try:
        parse(body)
    except Unusable as error:
        said = error.why
    assert said.startswith("sent ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("parse", [parse_crtsh, certspotter.parse])
@given(ANY_JSON | ALMOST)
def test_any_json_is_read_or_refused_in_a_sentence(parse: Parse, value: object) -> None:
    reads_or_says_why(parse, json.dumps(value).encode())


@pytest.mark.parametrize("parse", [parse_crtsh, certspotter.parse])
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_a_sentence(parse: Parse, body: bytes) -> None:
    reads_or_says_why(parse, body)


CERTIFICATE = Authority("Let's Encrypt", "R11").issue(["example.com"])
DER = CERTIFICATE.public_bytes(Encoding.DER)


@given(st.integers(min_value=0, max_value=len(DER) - 1), st.integers(min_value=0, max_value=255))
def test_a_certificate_with_any_byte_changed_is_read_or_refused_in_a_sentence(at: int, byte: int) -> None:
    changed = DER[:at] + bytes([byte]) + DER[at + 1 :]
    body = json.dumps([{"id": "7", "cert_der": b64encode(changed).decode()}]).encode()
    reads_or_says_why(certspotter.parse, body)


def test_a_certificate_of_no_version_that_there_is_is_refused_in_a_sentence() -> None:
    version = DER.index(bytes.fromhex("a003020102"))
    changed = DER[: version + 4] + b"\x63" + DER[version + 5 :]
    body = json.dumps([{"id": "7", "cert_der": b64encode(changed).decode()}]).encode()
    assert sentence(certspotter.parse, body) == "sent JSON with no right cert_der in entry 1"


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_names_a_row_has_only_host_names_are_kept(name: str, issuer: str) -> None:
    body = row(name_value=f"shop.example.com\n{name}", issuer_name=issuer)
    for issuance in crtsh.parse("example.com", body):
        for kept in issuance.names:
            assert kept == "shop.example.com" or kept in name.lower()
            assert set(kept) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_*")
