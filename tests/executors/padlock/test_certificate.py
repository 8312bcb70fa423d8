"""What is wrong with certificates and chains, without any server."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from executors.padlock.certificate import certificate_findings
from executors.padlock.chain import name_of, order_of
from executors.padlock.findings import Finding
from executors.padlock.seen import Distrust, TlsSeen
from tests.executors.padlock.authority import HOST, Authority, Issued, issue

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(Path(tmp_path_factory.mktemp("authority")))


def found(*chain: Issued, distrust: tuple[Distrust, ...] = (), now: datetime = NOW) -> list[Finding]:
    seen = TlsSeen(tuple(one.certificate for one in chain), distrust)
    return list(certificate_findings(HOST, seen, now))


def test_a_good_chain_has_no_finding_with_its_root_or_without(authority: Authority) -> None:
    leaf = authority.issue(HOST)
    assert found(leaf, authority.intermediate) == []
    assert found(leaf, authority.intermediate, authority.root) == []


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (timedelta(days=-1), "the certificate ended on "),
        (timedelta(seconds=0), "the certificate ended on "),
        (timedelta(hours=5), "ends in 5 hours and was not renewed in time"),
        (timedelta(days=22), "ends in 22 days and was not renewed in time"),
        # A quarter of 90 days.
        (timedelta(days=22, hours=12), ""),
        (timedelta(days=30), ""),
        (timedelta(days=90), ""),
        (timedelta(days=91), "the certificate begins on "),
    ],
)
def test_dates_are_judged_by_the_lifetime(authority: Authority, left: timedelta, says: str) -> None:
    leaf = authority.issue(HOST)
    now = leaf.certificate.not_valid_after_utc - left
    texts = [one.text for one in found(leaf, authority.intermediate, now=now)]
    assert texts == [] if not says else says in texts[0]


@pytest.mark.parametrize("days", [2, 6])
def test_a_short_certificate_is_not_late_because_it_is_short(authority: Authority, days: int) -> None:
    week = issue(HOST, authority.intermediate, (HOST,), lifetime=timedelta(days=7))
    now = week.certificate.not_valid_after_utc - timedelta(days=days)
    assert found(week, authority.intermediate, now=now) == []


def test_a_common_name_is_no_name(authority: Authority) -> None:
    (finding,) = found(issue(HOST, authority.intermediate), authority.intermediate)
    assert (finding.kind, finding.text) == ("wrong name", "the certificate is for no name at all")


def test_the_order_is_judged_for_every_way_to_send_a_chain(authority: Authority) -> None:
    leaf = authority.issue(HOST).certificate
    above = (authority.intermediate.certificate, authority.root.certificate)
    for rest in permutations(above):
        order = order_of((leaf, *rest))
        assert order.path == (leaf, *above)
        assert order.in_order is (rest == above)
        assert order.foreign == ()


def test_what_is_sent_twice_or_belongs_to_others_is_foreign(authority: Authority, tmp_path: Path) -> None:
    leaf, above = authority.issue(HOST).certificate, authority.intermediate.certificate
    other = Authority(tmp_path, "other").intermediate.certificate
    order = order_of((leaf, other, above, above))
    assert [name_of(one) for one in order.foreign] == ["other intermediate", "authority intermediate"]
    assert order.in_order


def test_the_same_name_does_not_make_an_issuer(authority: Authority, tmp_path: Path) -> None:
    imposter = Authority(tmp_path).intermediate.certificate
    order = order_of((authority.issue(HOST).certificate, imposter))
    assert order.foreign == (imposter,)


@pytest.mark.parametrize(
    ("distrust", "kind", "says"),
    [
        (Distrust(18, 0, HOST), "self-signed", "the certificate is self-signed"),
        (Distrust(19, 2, "old root"), "untrusted", "comes from old root, which is no authority"),
        (Distrust(20, 0, HOST), "incomplete chain", "shop.example.com is sent without the certificate of its issuer"),
        (Distrust(10, 1, "cross"), "untrusted", "the chain goes through cross, whose certificate has ended"),
        (Distrust(9, 1, "cross"), "untrusted", "whose certificate has not begun"),
        (Distrust(26, 0, HOST), "untrusted", "shop.example.com is not meant for a server"),
        (Distrust(94, 1, "cross"), "untrusted", "OpenSSL's error 94 at cross"),
    ],
)
def test_distrust_is_told_as_what_it_is(authority: Authority, distrust: Distrust, kind: str, says: str) -> None:
    (finding,) = found(authority.issue(HOST), distrust=(distrust, Distrust(21, 0, HOST)))
    assert finding.kind == kind
    assert says in finding.text


def test_the_dates_of_the_first_certificate_are_told_once(authority: Authority) -> None:
    ended = authority.issue(HOST, left=-DAY)
    (finding,) = found(ended, authority.intermediate, distrust=(Distrust(10, 0, HOST),))
    assert finding.kind == "expired"
