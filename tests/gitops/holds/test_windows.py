"""The freezes that the manifest foresees."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.holds.windows import begun, windows_on
from gitops.manifests import FaultyManifests
from model.freezes import DAYS, FreezeWindow
from model.operation import EndedHold
from tests.gitops.scene import CLUSTER_YAML, manifests

HOLIDAYS = FreezeWindow.model_validate({"from": "2026-12-24", "until": "2026-12-27T08:00", "reason": "holidays"})
WEEKENDS = {"weekly": {"from": "Fri 16:00", "until": "Mon 08:00"}, "reason": "weekend"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def weekly(zone: str = "UTC") -> FreezeWindow:
    return FreezeWindow.model_validate({**WEEKENDS, "zone": zone})


@pytest.mark.parametrize(
    ("now", "on"),
    [("2026-12-23T23:59", False), ("2026-12-24T00:00", True), ("2026-12-27T07:59", True), ("2026-12-27T08:00", False)],
)
def test_a_freeze_between_two_dates(now: str, on: bool) -> None:
    assert bool(windows_on([HOLIDAYS], at(now))) is on


# 2026-11-27 is a Friday.
@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-11-27T15:59", None),
        ("2026-11-27T16:00", "2026-11-27T16:00"),
        ("2026-11-29T12:00", "2026-11-27T16:00"),
        ("2026-11-30T07:59", "2026-11-27T16:00"),
        ("2026-11-30T08:00", None),
        ("2026-12-05T00:00", "2026-12-04T16:00"),
    ],
)
def test_a_freeze_of_every_week(now: str, start: str | None) -> None:
    assert [window.start for window in windows_on([weekly()], at(now))] == ([at(start)] if start else [])


def test_a_zone_moves_its_times_with_summer_time() -> None:
    (winter,) = windows_on([weekly("Europe/Berlin")], at("2026-11-28T00:00"))
    (summer,) = windows_on([weekly("Europe/Berlin")], at("2026-07-04T00:00"))
    assert (winter.start, winter.end) == (at("2026-11-27T15:00"), at("2026-11-30T07:00"))
    assert (summer.start, summer.end) == (at("2026-07-03T14:00"), at("2026-07-06T06:00"))


def test_a_window_becomes_a_hold_once_also_where_it_was_ended_by_hand() -> None:
    now = at("2026-12-25T00:00")
    windows = windows_on([HOLIDAYS], now)
    (hold,) = begun(windows, [], [], "r1", now.timestamp())
    assert (hold.id, hold.person, hold.revision) == ("window-1798070400", "cluster.yaml", "r1")
    assert hold.until == at("2026-12-27T08:00").timestamp()
    assert begun(windows, [hold], [], "r1", now.timestamp()) == []
    assert begun(windows, [], [EndedHold(hold=hold, at=0.0)], "r1", now.timestamp()) == []


CLOCK = st.builds("{} {:02d}:{:02d}".format, st.sampled_from(DAYS), st.integers(0, 23), st.integers(0, 59))


@given(CLOCK, CLOCK, st.datetimes(at("2026-01-01").replace(tzinfo=None), at("2028-01-01").replace(tzinfo=None)))
def test_a_weekly_freeze_is_on_between_its_times_and_off_otherwise(start: str, end: str, moment: datetime) -> None:
    if start == end:
        return
    window = FreezeWindow.model_validate({"weekly": {"from": start, "until": end}, "reason": "x"})
    now = moment.replace(tzinfo=UTC)

    def minutes(day: int, hour: int, minute: int) -> int:
        return (day * 24 + hour) * 60 + minute

    def of(text: str) -> int:
        day, clock = text.split()
        return minutes(DAYS.index(day), *map(int, clock.split(":")))

    here, first, last = minutes(now.weekday(), now.hour, now.minute), of(start), of(end)
    expected = first <= here < last if first < last else here >= first or here < last
    found = windows_on([window], now)
    assert bool(found) is expected
    assert all(one.start <= now < one.end <= one.start + timedelta(days=7) for one in found)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("{from: 2026-12-24, until: 2026-12-23, reason: x}", "'until' has to come after 'from'"),
        ("{from: 2026-12-24, reason: x}", "a freeze between two dates has both 'from' and 'until'"),
        ("{reason: x}", "a freeze has either 'from' and 'until', or 'weekly'"),
        ("{from: 2026-12-24, until: 2026-12-25}", "the field 'freezes.0.reason' is missing"),
        ("{from: 2026-02-30, until: 2026-12-25, reason: x}", "cluster.yaml"),
        ("{from: Friday, until: 2026-12-25, reason: x}", "write a date, with a time or without: 2026-12-24"),
        ("{from: 2026-12-24, until: 2026-12-25, zone: Mars/Olympus, reason: x}", "no time zone that this machine"),
        ('{weekly: {from: "Fri 16:00", until: "Fri 16:00"}, reason: x}', "a weekly freeze ends at another time"),
        ('{weekly: {from: "Fr 16:00", until: "Mon 08:00"}, reason: x}', "write a day and a time, such as Fri 16:00"),
    ],
)
def test_a_freeze_that_cannot_be_is_refused_with_what_would_be_right(entry: str, sentence: str) -> None:
    with pytest.raises(FaultyManifests) as faulty:
        manifests(f"{CLUSTER_YAML}freezes:\n  - {entry}\n")
    assert sentence in faulty.value.sentence


def test_freezes_are_read_as_they_are_written() -> None:
    text = (
        "freezes:\n"
        "  - {from: 2026-12-24, until: 2026-12-27T08:00:00+01:00, reason: holidays}\n"
        '  - {weekly: {from: "Fri 16:00", until: "Mon 08:00"}, zone: UTC, reason: weekend}\n'
    )
    dated, every = manifests(CLUSTER_YAML + text).cluster.freezes
    assert dated.at(dated.until or "") == at("2026-12-27T07:00")
    assert every == weekly()
