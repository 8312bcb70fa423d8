"""Certificates in a real etcd: what is kept, what is sealed, and what stays when something fails."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from gitops.certificates import (
    ask_again,
    claim_account,
    key_safe,
    put_account,
    put_failure,
    put_issued,
    put_window,
    read_certificate,
    read_certificates,
)
from gitops.renewal import attempt_due
from gitops.secrets import Identities, read_identities
from gitops.store import Fence, Store
from model import keys
from model.certificates import IssuedCertificate, IssueFailure, RenewalWindow
from model.errors import Fenced, Refused
from model.names import CertificateHost

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DIRECTORY = "https://acme.example/directory"
FAILURE = IssueFailure(sentence="app.example.com: too many", at=NOW, retry_at=NOW + timedelta(hours=1))


@pytest.fixture
def identities(tmp_path: Path) -> Identities:
    return read_identities(tmp_path / "mine")


@pytest.fixture
def issued(identities: Identities) -> IssuedCertificate:
    return IssuedCertificate(
        names=("app.example.com", "*.app.example.com"),
        chain="-----BEGIN CERTIFICATE-----\n",
        sealed_key=key_safe(identities).seal(b"a key"),
        serial="8765",
        not_before=NOW,
        not_after=NOW + timedelta(days=90),
        issued_at=NOW,
        directory=DIRECTORY,
    )


def window(days: int) -> RenewalWindow:
    start = NOW + timedelta(days=days)
    return RenewalWindow(start=start, end=start + timedelta(days=1), ask_again=NOW)


def test_a_certificate_is_read_as_it_was_written(store: Store, issued: IssuedCertificate) -> None:
    put_issued(store, "app.example.com", issued)
    put_issued(store, "*.example.com", issued)
    record = read_certificate(store, "app.example.com")
    assert record is not None
    assert record.issued == issued
    assert list(read_certificates(store)) == ["*.example.com", "app.example.com"]
    store.delete(keys.certificate("*.example.com"))
    assert list(read_certificates(store)) == ["app.example.com"]


def test_a_failure_leaves_the_certificate_and_a_new_one_ends_the_failure(
    store: Store, issued: IssuedCertificate
) -> None:
    first = put_failure(store, "app.example.com", FAILURE)
    assert (first.issued, first.failure) == (None, FAILURE)
    assert put_issued(store, "app.example.com", issued).failure is None
    failed = put_failure(store, "app.example.com", FAILURE)
    assert (failed.issued, failed.failure) == (issued, FAILURE)
    assert read_certificate(store, "app.example.com") == failed


def test_with_how_it_went_the_note_that_it_is_due_is_gone(store: Store, issued: IssuedCertificate) -> None:
    puts: list[Callable[[], object]] = [
        lambda: put_issued(store, "app.example.com", issued),
        lambda: put_failure(store, "app.example.com", FAILURE),
    ]
    for put in puts:
        store.put(keys.due("app.example.com"), "it has none yet")
        store.put(keys.due("www.example.com"), "it has none yet")
        before = store._prefix("")[1]
        put()
        assert list(store.prefix(keys.DUE)) == [keys.due("www.example.com")]
        assert store._prefix("")[1] == before + 1


def test_failures_are_remembered_for_an_hour(store: Store) -> None:
    for minutes in (0, 20, 40, 70):
        put_failure(store, "app.example.com", FAILURE.model_copy(update={"at": NOW + timedelta(minutes=minutes)}))
    record = read_certificate(store, "app.example.com")
    assert record is not None
    assert record.failure is not None
    assert record.failure.before == (NOW + timedelta(minutes=20), NOW + timedelta(minutes=40))


def test_that_nobody_was_asked_is_not_remembered_as_a_failure(store: Store) -> None:
    put_failure(store, "app.example.com", FAILURE)
    put_failure(store, "app.example.com", FAILURE.model_copy(update={"over_budget": True}))
    failed_again = put_failure(store, "app.example.com", FAILURE.model_copy(update={"at": NOW + timedelta(minutes=1)}))
    assert failed_again.failure is not None
    assert failed_again.failure.before == (NOW,)


def test_what_failed_is_asked_for_again_where_nobody_gave_a_date(store: Store) -> None:
    now = NOW + timedelta(minutes=1)
    put_failure(store, "app.example.com", FAILURE)
    put_failure(store, "www.example.com", FAILURE.model_copy(update={"retry_at": None}))
    ask_again(store, now)
    records = read_certificates(store)
    assert attempt_due(records["app.example.com"]) == NOW + timedelta(hours=1)
    assert attempt_due(records["www.example.com"]) == now


def test_a_window_is_noted_of_the_certificate_it_was_asked_for_only(store: Store, issued: IssuedCertificate) -> None:
    put_window(store, "app.example.com", "8765", window(60))
    assert read_certificates(store) == {}
    put_issued(store, "app.example.com", issued)
    put_window(store, "app.example.com", "8765", window(60))
    put_window(store, "app.example.com", "of the one before", window(1))
    record = read_certificate(store, "app.example.com")
    assert record is not None
    assert record.issued is not None
    assert record.issued.window == window(60)


def test_a_sealed_key_is_opened_by_each_controller_and_nobody_else(tmp_path: Path, identities: Identities) -> None:
    other, stranger = read_identities(tmp_path / "other"), read_identities(tmp_path / "stranger")
    sealed = key_safe(identities, (other.recipient,)).seal(b"a key")
    assert "a key" not in sealed
    assert key_safe(identities).open(sealed) == key_safe(other).open(sealed) == b"a key"
    with pytest.raises(Refused, match="cannot decrypt it"):
        key_safe(stranger).open(sealed)


def test_an_accounts_key_is_made_once_however_many_ask(store: Store, identities: Identities) -> None:
    safe = key_safe(identities)
    with ThreadPoolExecutor(8) as pool:
        claimed = list(
            pool.map(lambda number: claim_account(store, DIRECTORY, safe, lambda: b"%d" % number), range(16))
        )
    assert len({safe.open(account.sealed_key) for account in claimed}) == 1


def test_an_account_whose_key_is_lost_gives_way_to_another_one(
    store: Store, identities: Identities, tmp_path: Path
) -> None:
    lost, safe = key_safe(identities), key_safe(read_identities(tmp_path / "made anew"))
    put_account(store, claim_account(store, DIRECTORY, lost, lambda: b"one").model_copy(update={"url": "/account/1"}))
    account = claim_account(store, DIRECTORY, safe, lambda: b"two")
    assert (safe.open(account.sealed_key), account.url) == (b"two", "")
    assert claim_account(store, DIRECTORY, safe, lambda: b"three") == account


def test_each_authority_has_an_account_of_its_own(store: Store, identities: Identities) -> None:
    safe = key_safe(identities)
    account = claim_account(store, DIRECTORY, safe, lambda: b"one")
    put_account(store, account.model_copy(update={"url": "https://acme.example/account/1"}))
    assert claim_account(store, DIRECTORY, safe, lambda: b"two").url == "https://acme.example/account/1"
    assert claim_account(store, "https://other.example/directory", safe, lambda: b"two").url == ""


def test_a_controller_that_was_overtaken_writes_nothing(
    store: Store, issued: IssuedCertificate, identities: Identities
) -> None:
    store.put(keys.LEADER, "another one")
    overtaken = store.fenced(Fence(keys.LEADER, 1))
    with pytest.raises(Fenced):
        put_issued(overtaken, "app.example.com", issued)
    with pytest.raises(Fenced):
        put_failure(overtaken, "app.example.com", FAILURE)
    with pytest.raises(Fenced):
        claim_account(overtaken, DIRECTORY, key_safe(identities), lambda: b"a key")
    assert store.prefix(keys.CERTIFICATES) == {}


def test_a_window_ends_after_it_starts() -> None:
    with pytest.raises(ValidationError, match="a renewal window ends after its start"):
        RenewalWindow(start=NOW, end=NOW, ask_again=NOW)


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "*.*.example.com",
        "a.*.example.com",
        "example",
        "App.example.com",
        "a.example.com;",
        "*.a b.example",
        "a.example.com\n",
    ],
)
def test_what_is_no_name_for_a_certificate_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CertificateHost).validate_python(name)


@pytest.mark.parametrize("name", ["app.example.com", "*.example.com", "*.a-b.example", "xn--bcher-kva.example"])
def test_what_is_a_name_for_a_certificate_is_taken(name: str) -> None:
    assert TypeAdapter(CertificateHost).validate_python(name) == name
