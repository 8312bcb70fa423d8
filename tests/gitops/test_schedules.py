"""What a pool's schedule says, by the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.describe import status
from gitops.lint import check
from gitops.manifests import FaultyManifests
from gitops.schedules import coming, due, next_due, why_wrong
from model.operation import SyncState
from model.pools import ScheduledCount
from model.registered import Registered
from tests.gitops.scene import CLUSTER_YAML, NOON, files, manifests

# A Thursday.
TODAY = datetime(2026, 11, 26, tzinfo=UTC)
OFFICE = (ScheduledCount(at="0 8 * * mon-fri", count=5), ScheduledCount(at="0 20 * * *", count=2))


def at(hour: int, minute: int = 0, days: int = 0) -> datetime:
    return TODAY + timedelta(days=days, hours=hour, minutes=minute)


def size(line: str, since: datetime, now: datetime, zone: str = "UTC") -> int | None:
    return due((ScheduledCount(at=line, count=7),), zone, since, now)


def test_a_size_is_due_once_its_time_has_come_and_not_before() -> None:
    assert due(OFFICE, "UTC", at(7), at(7, 59)) is None
    assert due(OFFICE, "UTC", at(7), at(8)) == 5
    assert due(OFFICE, "UTC", at(8), at(9)) is None


def test_of_several_times_that_were_missed_only_the_newest_counts() -> None:
    assert due(OFFICE, "UTC", at(7, days=-3), at(21)) == 2
    assert due(OFFICE, "UTC", at(7, days=-300), at(9)) == 5


def test_of_two_at_once_the_line_further_down_counts() -> None:
    both = (ScheduledCount(at="0 8 * * *", count=5), ScheduledCount(at="0 8 * * thu", count=9))
    assert due(both, "UTC", at(7), at(8)) == 9
    assert next_due(both, "UTC", at(7)) is not None
    assert getattr(next_due(both, "UTC", at(7)), "count", None) == 9


def test_times_are_those_of_the_clusters_zone() -> None:
    assert size("0 8 * * *", at(6, 30), at(7), "Europe/Berlin") == 7
    assert size("0 8 * * *", at(7, 30), at(8), "Europe/Berlin") is None


def test_an_hour_that_comes_twice_counts_once_and_one_that_is_left_out_comes_later() -> None:
    line = (ScheduledCount(at="30 2 * * *", count=7),)
    autumn, spring = datetime(2027, 10, 30, 12, tzinfo=UTC), datetime(2027, 3, 27, 12, tzinfo=UTC)
    twice = next_due(line, "Europe/Berlin", autumn)
    late = next_due(line, "Europe/Berlin", spring)
    assert twice is not None
    assert late is not None
    assert twice.at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert late.at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    for change in (twice, late):
        assert due(line, "Europe/Berlin", change.at, change.at + timedelta(hours=20)) is None
        assert due(line, "Europe/Berlin", change.at, change.at + timedelta(days=2)) == 7


@pytest.mark.parametrize(("day", "name"), [*enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"])])
def test_days_of_the_week_are_numbered_as_cron_numbers_them(day: int, name: str) -> None:
    for ahead in range(7):
        moment = at(8, days=ahead)
        expected = 7 if moment.strftime("%a").lower() == name else None
        assert size(f"0 8 * * {day}", moment - timedelta(hours=1), moment) == expected
        assert size(f"0 8 * * {name}", moment - timedelta(hours=1), moment) == expected


@pytest.mark.parametrize(
    ("days", "names"),
    [
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("fri-sun", "Fri Sat Sun"),
        ("0-2", "Sun Mon Tue"),
        ("5-7", "Fri Sat Sun"),
        ("*/2", "Sun Tue Thu Sat"),
        ("MON,4", "Mon Thu"),
    ],
)
def test_ranges_and_steps_of_days_are_crons(days: str, names: str) -> None:
    week = [at(8, days=ahead) for ahead in range(7)]
    on = {f"{moment:%a}" for moment in week if size(f"0 8 * * {days}", moment - timedelta(hours=1), moment)}
    assert on == set(names.split())


def test_a_day_of_the_month_and_one_of_the_week_are_either_of_them() -> None:
    assert size("0 8 27 * thu", at(7), at(8)) == 7
    assert size("0 8 27 * thu", at(7, days=1), at(8, days=1)) == 7
    assert size("0 8 27 * thu", at(7, days=2), at(8, days=2)) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("60 8 * * *", "'60' is no minute"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 8 0 * *", "'0' is no day of the month"),
        ("0 8 last * *", "'last' is no day of the month"),
        ("0 8 * foo *", "'foo' is no month"),
        ("0 8 * * 8", "'8' is no day of the week"),
        ("0 8 * * fri-mon", "'fri-mon' goes backwards as day of the week"),
        ("*/0 8 * * *", "'*/0' steps by nothing as minute"),
        ("0 8 30 2 *", "no day is ever like that"),
        ("0 8 * *", "it has 4 fields, and cron's lines have 5"),
        ("0, 8 * * *", "'' is no minute"),
    ],
)
def test_a_wrong_line_is_told(line: str, why: str) -> None:
    assert why_wrong(line) == why


@pytest.mark.parametrize("line", ["0 8 29 2 *", "*/5 0-6,22-23 1,15 jan-jun sun", "0 0 * * 7"])
def test_a_right_line_is_not(line: str) -> None:
    assert why_wrong(line) == ""


def numbers(least: int, most: int) -> st.SearchStrategy[str]:
    single = st.integers(least, most).map(str)
    several = st.lists(single, min_size=1, max_size=3).map(",".join)
    spans = st.tuples(st.integers(least, most), st.integers(least, most)).map(lambda two: f"{min(two)}-{max(two)}")
    steps = st.integers(1, 9).map(lambda step: f"*/{step}")
    return st.one_of(st.just("*"), several, spans, steps)


def _members(field: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        low, high = (least, most) if span == "*" else (int(first), int(last or first))
        found |= set(range(low, high + 1, int(step or 1)))
    return found


def _matches(line: str, moment: datetime) -> bool:
    minute, hour, day, month, weekday = line.split()
    of_month = moment.day in _members(day, 1, 31)
    of_week = (moment.weekday() + 1) % 7 in {number % 7 for number in _members(weekday, 0, 6)}
    by_day = of_month and of_week if day.startswith("*") or weekday.startswith("*") else of_month or of_week
    in_hour = moment.minute in _members(minute, 0, 59) and moment.hour in _members(hour, 0, 23)
    return in_hour and by_day and moment.month in _members(month, 1, 12)


LINES = st.tuples(numbers(0, 59), numbers(0, 23), numbers(1, 31), numbers(1, 12), numbers(0, 6)).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(LINES, st.integers(0, 366 * 24 * 60), st.integers(0, 3 * 24 * 60))
def test_whatever_the_line_it_is_due_when_the_clock_has_gone_through_such_a_minute(
    line: str, begin: int, minutes: int
) -> None:
    since = datetime(2027, 1, 1, 0, 0, 30, tzinfo=UTC) + timedelta(minutes=begin)
    now = since + timedelta(minutes=minutes)
    passed = any(
        _matches(line, since.replace(second=0) + timedelta(minutes=number)) for number in range(1, minutes + 1)
    )
    assert (size(line, since, now) is not None) == passed


@settings(max_examples=25, deadline=None)
@given(LINES, st.integers(0, 365 * 24 * 60), st.integers(1, 24 * 60), st.integers(1, 24 * 60))
def test_two_looks_find_what_one_would_have_found(line: str, begin: int, first: int, second: int) -> None:
    since = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=begin)
    between, now = since + timedelta(minutes=first), since + timedelta(minutes=first + second)
    for zone in ("UTC", "Europe/Berlin"):
        found = [size(line, since, between, zone), size(line, between, now, zone)]
        assert (size(line, since, now, zone) is not None) == any(size is not None for size in found)


SCHEDULED = CLUSTER_YAML.replace(
    "    count: 2\n    first: 101",
    "    count: 2\n    first: 101\n    schedule:\n      - at: 0 8 * * mon-fri\n        count: 5",
)


def test_a_wrong_line_is_refused_with_its_place() -> None:
    text = SCHEDULED.replace("0 8 * * mon-fri", "0 8 * * mon-xyz")
    line = text.splitlines().index("      - at: 0 8 * * mon-xyz") + 1
    with pytest.raises(FaultyManifests) as refused:
        check(files({"cluster.yaml": text}))
    assert f"cluster.yaml:{line}: '0 8 * * mon-xyz' is no time for worker: 'xyz' is no day of the week" in str(
        refused.value
    )


def test_status_says_what_comes_next() -> None:
    scheduled = manifests(SCHEDULED).cluster
    assert {name: change.count for name, change in coming(scheduled, NOON).items()} == {"worker": 5}
    text = status(scheduled, Registered(), (), SyncState(), NOON)
    assert "• worker is to have 5 from 2026-11-27 08:00 UTC on, as scheduled" in text
    assert coming(manifests().cluster, NOON) == {}
