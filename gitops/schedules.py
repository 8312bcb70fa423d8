"""The schedules of pools: which size one is to have by the clock. Pure.

A line is cron's, and means what cron means by it: 0 and 7 are both Sunday, and where the day of the month and that of
the week are both said, either will do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from model.cluster import Cluster
from model.freezes import zone
from model.names import PoolName
from model.pools import ScheduledCount

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PART = re.compile(r"(?P<first>\*|[0-9a-z]+)(-(?P<last>[0-9a-z]+))?(/(?P<step>[0-9]+))?")
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
# Looked back in larger and larger steps, so that a line that is due each minute is not gone through year by year.
_BACK = tuple(timedelta(days=days) for days in (0.05, 1, 8, 63, 400, 8 * 366))
# Leap years around the turn of a century are eight years apart.
# By how much summer time moves a clock, and more.
_SHIFT = timedelta(hours=2)
_EVER = timedelta(days=8 * 366)


@dataclass(frozen=True)
class Due:
    """A size that a pool is to have since a moment."""

    count: int
    at: datetime


def why_wrong(line: str) -> str:
    """What is wrong with a line of cron; empty for nothing."""
    try:
        triggers = _triggers(line)
    except ValueError as error:
        return str(error)
    since = datetime(2024, 1, 1, tzinfo=UTC)
    if not any(_within(trigger, "UTC", since, since + _EVER) for trigger in triggers):
        return "no day is ever like that"
    return ""


def due(schedule: Sequence[ScheduledCount], zone_name: str, since: datetime, now: datetime) -> int | None:
    """The size that a pool should have been brought to after `since`, and until `now`; None for none."""
    found = last_due(schedule, zone_name, since, now)
    return None if found is None else found.count


def last_due(schedule: Sequence[ScheduledCount], zone_name: str, since: datetime, now: datetime) -> Due | None:
    """The newest change of a size that was due in that time; of two at once, that of the line further down."""
    moments = ((last_moment(line.at, zone_name, since, now), line.count) for line in schedule)
    changes = [Due(count, moment) for moment, count in moments if moment is not None]
    return max(reversed(changes), key=lambda change: change.at, default=None)


def next_due(schedule: Sequence[ScheduledCount], zone_name: str, now: datetime) -> Due | None:
    """The next change of a size after `now`."""
    changes = []
    for line in schedule:
        moments = [_within(trigger, zone_name, now, now + _EVER) for trigger in _triggers(line.at)]
        changes += [Due(line.count, moment) for moment in moments if moment is not None]
    soonest = min((change.at for change in changes), default=None)
    return next((change for change in reversed(changes) if change.at == soonest), None)


def coming(cluster: Cluster, now: datetime) -> dict[PoolName, Due]:
    """What the schedule of each pool does next, where that changes its size."""
    found: dict[PoolName, Due] = {}
    for name, pool in cluster.pools.items():
        change = next_due(pool.schedule, cluster.time_zone, now)
        if change is not None and change.count != pool.count:
            found[name] = change
    return found


def last_moment(line: str, zone_name: str, since: datetime, now: datetime) -> datetime | None:
    """The newest moment that a line names after `since`, and until `now`; None for none."""
    found = (_last_of(trigger, zone_name, since, now) for trigger in _triggers(line))
    return max((moment for moment in found if moment is not None), default=None)


def _last_of(trigger: CronTrigger, zone_name: str, since: datetime, now: datetime) -> datetime | None:
    for back in _BACK:
        start = max(since, now - back)
        newest: datetime | None = None
        while (moment := _within(trigger, zone_name, newest or start, now)) is not None:
            newest = moment
        if newest is not None or start == since:
            return newest
    return None


def _within(trigger: CronTrigger, zone_name: str, after: datetime, until: datetime) -> datetime | None:
    """The first moment after one, and not after the other.

    The trigger goes by the clock on the wall, as if it were UTC: an hour that comes twice in autumn counts once, and
    what falls into the one that is left out in spring comes an hour later.
    """
    local = zone(zone_name)
    wall = after.astimezone(local).replace(tzinfo=UTC)
    # It looks for years where there is none, unless it is told an end.
    trigger.end_date = until.astimezone(local).replace(tzinfo=UTC) + _SHIFT
    while (found := trigger.get_next_fire_time(None, wall + timedelta(microseconds=1))) is not None:
        moment: datetime = found.replace(tzinfo=local).astimezone(UTC)
        if after < moment <= until:
            return moment
        wall = found
    return None


def _triggers(line: str) -> list[CronTrigger]:
    """Raises `ValueError` with a sentence where it is none."""
    texts = line.lower().split()
    if len(texts) != len(_FIELDS):
        raise ValueError(f"it has {len(texts)} fields, and cron's lines have {len(_FIELDS)}")
    minute, hour, day, month, weekday = (_values(text, *field) for text, field in zip(texts, _FIELDS, strict=True))
    common: Mapping[str, object] = {"minute": minute, "hour": hour, "month": month, "timezone": UTC}
    # A field is open where it begins with a star; then the other one decides.
    if texts[2].startswith("*") or texts[4].startswith("*"):
        return [CronTrigger(day=day, day_of_week=_days(weekday), **common)]
    return [CronTrigger(day=day, **common), CronTrigger(day_of_week=_days(weekday), **common)]


def _days(weekday: str) -> str:
    """By name, for the numbers mean other days to the one who reads them."""
    return ",".join(dict.fromkeys(_DAYS[int(number) % 7] for number in weekday.split(",")))


def _values(text: str, name: str, least: int, most: int) -> str:
    """All numbers that a field of cron stands for."""
    found = sorted({number for part in text.split(",") for number in _numbers(part, name, least, most)})
    return ",".join(map(str, found))


def _numbers(part: str, name: str, least: int, most: int) -> range:
    match = _PART.fullmatch(part)
    if match is None or (match["first"] == "*" and match["last"] is not None):
        raise ValueError(f"'{part}' is no {name}")
    step = int(match["step"] or 1)
    if match["first"] == "*":
        # Seven is Sunday once more.
        first, last = least, min(most, 6) if name == "day of the week" else most
    else:
        first = _number(match["first"], name, least, most)
        last = _number(match["last"], name, least, most) if match["last"] else most if match["step"] else first
        if name == "day of the week" and last == 0 < first:
            last = 7
    if first > last:
        raise ValueError(f"'{part}' goes backwards as {name}")
    if step == 0:
        raise ValueError(f"'{part}' steps by nothing as {name}")
    return range(first, last + 1, step)


def _number(word: str, name: str, least: int, most: int) -> int:
    names = {"day of the week": (_DAYS, 0), "month": (_MONTHS, 1)}
    words, base = names.get(name, ((), 0))
    number = words.index(word) + base if word in words else int(word) if word.isdecimal() else -1
    if not least <= number <= most:
        raise ValueError(f"'{word}' is no {name}")
    return number
