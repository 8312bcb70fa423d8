"""The last good answers in etcd."""

from datetime import UTC, datetime, timedelta

from gitops.store import Store
from gitops.transparency import LoggedInEtcd, fitting
from model import keys
from model.transparency import CertificateId, Issuance, Issuer, Logged

NOW = datetime(2026, 5, 1, tzinfo=UTC)
R11 = Issuer(organisation="Let's Encrypt", common_name="R11")


def logged(domain: str = "example.com", count: int = 1) -> Logged:
    issuances = tuple(
        Issuance(
            id=CertificateId(issuer=R11, serial=f"{number:x}"),
            names=(domain,),
            not_before=NOW - timedelta(days=number),
            not_after=NOW + timedelta(days=90 - number),
        )
        for number in range(count)
    )
    return Logged(domain=domain, source="crt.sh", at=NOW, issuances=issuances)


def test_what_is_kept_is_found_again_by_any_controller(store: Store) -> None:
    assert LoggedInEtcd(store).last("example.com") is None
    LoggedInEtcd(store).keep(logged(count=3))
    assert LoggedInEtcd(store).last("example.com") == logged(count=3)


def test_a_record_of_another_version_is_as_none(store: Store) -> None:
    store.put(keys.transparency("example.com"), '{"domain": "example.com", "of": "another version"}')
    assert LoggedInEtcd(store).last("example.com") is None


def test_what_is_not_ours_any_more_is_forgotten(store: Store) -> None:
    kept = LoggedInEtcd(store)
    for domain in ("example.com", "example.org"):
        kept.keep(logged(domain))
    kept.forget_all_but(["example.com"])
    assert list(store.prefix(keys.TRANSPARENCY)) == [keys.transparency("example.com")]


def test_of_too_many_the_newest_are_kept_and_the_others_counted() -> None:
    every = logged(count=100)
    some = fitting(every, len(every.to_json()) // 2)
    assert 0 < len(some.issuances) < 100
    assert some.issuances == every.issuances[: len(some.issuances)]
    assert some.left_out == 100 - len(some.issuances)
    assert len(some.to_json()) <= len(every.to_json()) // 2 + 10


def test_more_than_etcd_takes_can_be_kept(store: Store) -> None:
    LoggedInEtcd(store).keep(logged(count=12_000))
    found = LoggedInEtcd(store).last("example.com")
    assert found is not None
    assert found.left_out + len(found.issuances) == 12_000
