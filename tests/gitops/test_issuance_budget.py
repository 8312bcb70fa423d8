"""Let's Encrypt's limits: what may be ordered now, and from when on the rest may."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.issuance_budget import FailedAuthorisation, Issued, LimitReached, limit_reached
from model.transparency import Renewal

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def issued(*names: str, ago: timedelta = HOUR, renewal: Renewal = "no") -> Issued:
    return Issued(frozenset(names), NOW - ago, renewal)


def many(count: int, ago: timedelta = HOUR, domain: str = "example.com") -> list[Issued]:
    """As many sets of one name, the first of them longest ago."""
    return [issued(f"host{number}.{domain}", ago=ago - number * timedelta(minutes=1)) for number in range(count)]


def limit(
    wanted: Sequence[str],
    before: Sequence[Issued] = (),
    failed: Sequence[FailedAuthorisation] = (),
    renewal: Renewal = "no",
) -> LimitReached | None:
    return limit_reached(wanted, before, failed, NOW, renewal)


def test_the_first_certificate_may_be_ordered() -> None:
    assert limit(["shop.example.com"]) is None


def test_the_fiftieth_of_a_domain_may_be_ordered_and_the_next_when_the_oldest_leaves_the_week() -> None:
    assert limit(["new.example.com"], many(49)) is None
    reached = limit(["new.example.com"], many(50, ago=2 * DAY))
    assert reached == LimitReached(
        "example.com has had its 50 new certificates in 7 days; the next one can be had from 2026-05-06 12:00:00 UTC",
        NOW + 5 * DAY,
    )


def test_of_more_than_the_limit_so_many_have_to_leave_first() -> None:
    reached = limit(["new.example.com"], many(53, ago=2 * DAY))
    assert reached is not None
    assert reached.until == NOW + 5 * DAY + timedelta(minutes=3)


def test_another_domain_has_a_budget_of_its_own() -> None:
    assert limit(["new.example.co.uk"], many(50, domain="other.co.uk")) is None


def test_a_certificate_for_two_domains_counts_against_both() -> None:
    both = [issued("a.example.com", f"host{number}.example.org") for number in range(50)]
    for name in ("new.example.com", "new.example.org"):
        assert limit([name], both) is not None


def test_exactly_these_names_five_times_a_week() -> None:
    four = [issued("a.example.com", "b.example.com", ago=number * DAY) for number in (4, 3, 2, 1)]
    wanted = ["B.example.com", "a.example.com."]
    assert limit(wanted, four) is None
    reached = limit(wanted, [issued("a.example.com", "b.example.com", ago=6 * DAY), *four])
    assert reached == LimitReached(
        "a.example.com, b.example.com had 5 certificates in 7 days; "
        "the next one can be had from 2026-05-02 12:00:00 UTC",
        NOW + DAY,
    )
    assert limit(["a.example.com"], four * 2) is None


def test_what_is_a_week_old_to_the_second_does_not_count() -> None:
    week = [issued("a.example.com", ago=7 * DAY)] * 5
    assert limit(["a.example.com"], week) is None
    assert limit(["a.example.com"], [issued("a.example.com", ago=7 * DAY - timedelta(seconds=1))] * 5) is not None


def test_a_renewal_of_the_same_names_neither_counts_for_the_domain_nor_waits_for_it() -> None:
    renewals = [issued(f"host{number}.example.com", renewal="same names") for number in range(60)]
    assert limit(["new.example.com"], renewals) is None
    assert limit(["old.example.com"], many(50), renewal="same names") is None


def test_a_renewal_of_the_same_names_counts_for_its_set() -> None:
    five = [issued("a.example.com", renewal="same names")] * 5
    assert limit(["a.example.com"], five, renewal="same names") is not None


def test_no_limit_holds_for_a_renewal_by_ari_and_it_counts_for_none() -> None:
    five = [issued("a.example.com")] * 5
    assert limit(["a.example.com"], [*many(50), *five], renewal="ari") is None
    assert limit(["a.example.com"], [issued("a.example.com", renewal="ari")] * 60) is None


def test_a_name_that_failed_five_times_in_an_hour_waits_for_the_first_to_be_an_hour_ago() -> None:
    failed = [FailedAuthorisation("a.example.com", NOW - timedelta(minutes=minutes)) for minutes in (50, 40, 30, 20)]
    assert limit(["a.example.com"], failed=failed) is None
    reached = limit(["a.example.com", "b.example.com"], failed=[*failed, FailedAuthorisation("A.example.com", NOW)])
    assert reached == LimitReached(
        "a.example.com could not be authorised 5 times in an hour; "
        "the next one can be had from 2026-05-01 12:10:00 UTC",
        NOW + timedelta(minutes=10),
    )
    assert limit(["b.example.com"], failed=failed * 2) is None


def test_a_star_is_authorised_by_the_name_behind_it() -> None:
    failed = [FailedAuthorisation("example.com", NOW)] * 5
    assert limit(["*.example.com"], failed=failed) is not None


def test_of_several_limits_the_one_that_ends_last_is_told() -> None:
    five = [issued("a.example.com", ago=DAY)] * 5
    reached = limit(["a.example.com"], [*many(50, ago=3 * DAY), *five])
    assert reached is not None
    assert reached.until == NOW + 6 * DAY


@given(st.lists(st.integers(min_value=0, max_value=20 * 24 * 60), max_size=80), st.sampled_from(["no", "same names"]))
def test_when_the_date_has_come_it_may_be_ordered_and_a_moment_before_it_may_not(
    minutes: list[int], renewal: Renewal
) -> None:
    before = [issued("a.example.com", ago=timedelta(minutes=ago)) for ago in minutes]
    reached = limit(["a.example.com"], before, renewal=renewal)
    if reached is None:
        assert sum(ago < 7 * 24 * 60 for ago in minutes) < 5
        return
    assert limit_reached(["a.example.com"], before, (), reached.until, renewal) is None
    early = reached.until - timedelta(seconds=1)
    assert limit_reached(["a.example.com"], before, (), early, renewal) is not None


@pytest.mark.parametrize("names", [[], ["localhost"], ["com"], ["*.com"]])
def test_names_of_no_registered_domain_break_nothing(names: list[str]) -> None:
    assert limit(names, many(50)) is None
