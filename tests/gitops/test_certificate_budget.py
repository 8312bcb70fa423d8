"""How what is left of the limits is given out: never more than is allowed, and the others are told a date that holds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.certificate_budget import UNDER_WAY, Known, limit_of, ration
from gitops.issuance_budget import A_DOMAIN, A_SET, WEEK
from model.certificates import CertificateRecord, IssueFailure, PlacedOrder, RenewalWindow
from model.transparency import AskedFor, Renewal
from tests.gitops.scene import DIRECTORY, NOON, asked_for, certificate

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
STAGING = "https://staging.example/directory"


def had(name: str, at: datetime, renewal: Renewal = "no", directory: str = DIRECTORY) -> AskedFor:
    return asked_for(certificate(name, at, directory=directory), renewal)


def placed(name: str, at: datetime, renewal: Renewal = "no", directory: str = DIRECTORY) -> PlacedOrder:
    """An order of which nobody knows what came of it."""
    key = certificate(name, at).sealed_key
    return PlacedOrder(names=(name,), url="", sealed_key=key, at=at, renewal=renewal, directory=directory)


def known(asked: Sequence[AskedFor | PlacedOrder] = (), *records: CertificateRecord) -> Known:
    return Known({record.name: record for record in records}, asked, DIRECTORY)


def hosts(count: int, first: int = 0, domain: str = "example.com") -> list[str]:
    return [f"host{number:03}.{domain}" for number in range(first, first + count)]


def test_sixty_new_hosts_of_one_domain_are_fifty_certificates_and_ten_dates() -> None:
    rationed = ration(hosts(60), known(), NOON)
    assert list(rationed.granted) == hosts(50)
    assert sorted(rationed.refused) == hosts(10, first=50)
    assert {limit.until for limit in rationed.refused.values()} == {NOON + UNDER_WAY + WEEK}
    (sentence,) = {limit.sentence for limit in rationed.refused.values()}
    assert sentence == (
        "example.com has had its 50 new certificates in 7 days; the next one can be had from 2026-12-03 13:00:00 UTC"
    )


def test_another_domain_has_a_budget_of_its_own() -> None:
    both = [*hosts(50), *hosts(50, domain="example.org")]
    assert ration(both, known(), NOON).refused == {}


def test_what_is_under_way_counts() -> None:
    rationed = ration(hosts(5, first=48), known(), NOON, under_way=hosts(48))
    assert list(rationed.granted) == hosts(2, first=48)


def test_what_was_issued_counts_until_it_is_a_week_old() -> None:
    before = known([had(name, NOON - 6 * DAY) for name in hosts(50, first=100)])
    rationed = ration(hosts(1), before, NOON)
    assert rationed.granted == ()
    (limit,) = rationed.refused.values()
    assert limit.until == NOON + DAY
    assert ration(hosts(1), before, NOON + DAY).granted == tuple(hosts(1))


def test_a_renewal_of_the_same_names_needs_no_room_in_its_domain() -> None:
    full = [had(name, NOON - DAY) for name in hosts(50, first=100)]
    old = CertificateRecord(name="host000.example.com", issued=certificate("host000.example.com", NOON - 70 * DAY))
    assert ration(hosts(2), known(full, old), NOON).granted == ("host000.example.com",)
    forgotten = [*full, had("host000.example.com", NOON - 70 * DAY)]
    assert ration(hosts(2), known(forgotten), NOON).granted == ("host000.example.com",)


def test_the_same_name_is_had_five_times_a_week_unless_the_authority_itself_wants_it_renewed() -> None:
    (name,) = hosts(1)
    five = [had(name, NOON - DAY, "same names")] * A_SET
    issued = certificate(name, NOON - DAY)
    limit = limit_of(name, known(five, CertificateRecord(name=name, issued=issued)), NOON)
    assert limit is not None
    assert limit.until == NOON + 6 * DAY
    window = RenewalWindow(start=NOON - HOUR, end=NOON, ask_again=NOON)
    wanted = CertificateRecord(name=name, issued=issued.model_copy(update={"window": window}))
    assert limit_of(name, known(five, wanted), NOON) is None


def test_a_replacement_that_was_issued_and_lost_makes_the_next_one_an_ordinary_renewal() -> None:
    (name,) = hosts(1)
    window = RenewalWindow(start=NOON - DAY, end=NOON, ask_again=NOON)
    issued = certificate(name, NOON - 2 * DAY).model_copy(update={"window": window})
    record = CertificateRecord(name=name, issued=issued)
    mine = asked_for(issued)
    assert known([mine], record).renewal(name, NOON) == "ari"
    for lost in (had(name, NOON - HOUR, "ari"), placed(name, NOON - HOUR, "ari")):
        assert known([mine, lost], record).renewal(name, NOON) == "same names"
    for other in (had("other.example.com", NOON - HOUR), had(name, NOON - HOUR, directory=STAGING)):
        assert known([mine, other], record).renewal(name, NOON) == "ari"
    often = [had(name, NOON - HOUR, "ari"), *[had(name, NOON - HOUR, "same names")] * A_SET]
    assert limit_of(name, known([mine, *often], record), NOON) is not None


def test_an_order_of_which_nobody_knows_what_came_counts_as_issued() -> None:
    full = [placed(name, NOON) for name in hosts(50, first=100)]
    limit = limit_of("host000.example.com", known(full), NOON)
    assert limit is not None
    assert limit.until == NOON + UNDER_WAY + WEEK
    elsewhere = [placed(name, NOON, directory=STAGING) for name in hosts(50, first=100)]
    assert limit_of("host000.example.com", known(elsewhere), NOON) is None


def test_whoever_has_such_an_order_goes_on_with_it_whatever_the_limits_say_and_counts_once() -> None:
    (name,) = hosts(1)
    full = known([placed(name, NOON), *(had(other, NOON) for other in hosts(49, first=1))])
    assert limit_of(name, full, NOON) is None
    assert ration([name, *hosts(1, first=200)], full, NOON).granted == (name,)
    nearly = known([placed(name, NOON), *(had(other, NOON) for other in hosts(48, first=1))])
    assert ration(hosts(1, first=200), nearly, NOON, under_way=[name]).granted == tuple(hosts(1, first=200))


def test_what_another_authority_issued_counts_for_nothing() -> None:
    full = [had(name, NOON - DAY, directory=STAGING) for name in hosts(60)]
    assert ration(hosts(50), known(full), NOON).refused == {}
    staged = CertificateRecord(name="host000.example.com", issued=certificate("host000.example.com", NOON, 90, STAGING))
    assert known(full, staged).renewal("host000.example.com", NOON) == "no"


def test_what_an_older_flstr_noted_counts_for_nothing() -> None:
    old = had("host000.example.com", NOON).model_copy(update={"names": (), "at": None, "directory": ""})
    assert list(known([old]).issued()) == []


def failing(*minutes_ago: int, over_budget: bool = False) -> CertificateRecord:
    *before, last = (NOON - minutes * MINUTE for minutes in sorted(minutes_ago, reverse=True))
    failure = IssueFailure(sentence="no", at=last, before=tuple(before), over_budget=over_budget)
    return CertificateRecord(name="host000.example.com", failure=failure)


def test_a_name_that_failed_five_times_in_an_hour_waits() -> None:
    assert limit_of("host000.example.com", known((), failing(50, 40, 30, 20)), NOON) is None
    limit = limit_of("host000.example.com", known((), failing(50, 40, 30, 20, 10)), NOON)
    assert limit is not None
    assert limit.until == NOON + 10 * MINUTE


def test_a_wildcard_is_proved_by_the_name_behind_it() -> None:
    assert limit_of("*.host000.example.com", known((), failing(50, 40, 30, 20, 10)), NOON) is not None


def test_that_nobody_was_asked_is_no_failure() -> None:
    assert limit_of("host000.example.com", known((), failing(50, 40, 30, 20, 10, over_budget=True)), NOON) is None


AGES = st.lists(st.integers(0, 10 * 24 * 60), max_size=70)


@given(AGES, st.integers(0, 70), st.integers(0, 20))
def test_never_more_than_the_limits_allow_at_once(ages: list[int], new: int, under_way: int) -> None:
    before = known([had(f"old{number}.example.com", NOON - age * MINUTE) for number, age in enumerate(ages)])
    rationed = ration(hosts(new), before, NOON, hosts(under_way, first=500))
    used = sum(NOON - age * MINUTE > NOON - WEEK for age in ages)
    assert len(rationed.granted) == min(new, max(0, A_DOMAIN - used - under_way))
    assert len(rationed.granted) + len(rationed.refused) == new


@given(AGES, st.integers(0, 70), st.data())
def test_on_the_date_that_is_given_it_is_allowed(ages: list[int], new: int, data: st.DataObject) -> None:
    before = [had(f"old{number}.example.com", NOON - age * MINUTE) for number, age in enumerate(ages)]
    rationed = ration(hosts(new), known(before), NOON)
    # Those that were given out are issued at any time until then.
    late = st.integers(0, int(UNDER_WAY / MINUTE))
    issued = [had(name, NOON + data.draw(late) * MINUTE) for name in rationed.granted]
    for name, limit in rationed.refused.items():
        assert limit.until > NOON
        assert limit_of(name, known([*before, *issued]), limit.until) is None


@pytest.mark.parametrize("name", ["*.example.com", "example.com"])
def test_the_same_certificate_twice_is_the_same_names(name: str) -> None:
    assert known([had(name, NOON)]).renewal(name, NOON) == "same names"
    assert known([had("other.example.com", NOON)]).renewal(name, NOON) == "no"
    assert known([placed(name, NOON)]).renewal(name, NOON) == "no"
