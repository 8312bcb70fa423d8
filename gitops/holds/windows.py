"""Which of the manifest's freezes are on. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from model.freezes import DAYS, FreezeWindow, Weekly, zone
from model.operation import EndedHold, Hold

MANIFEST = "cluster.yaml"


@dataclass(frozen=True)
class Window:
    """One freeze of the manifest as it is now: its beginning tells it from the same one a week later."""

    start: datetime
    end: datetime
    reason: str

    @property
    def id(self) -> str:
        """Of the hold that it becomes."""
        return f"window-{int(self.start.timestamp())}"


def windows_on(windows: Iterable[FreezeWindow], now: datetime) -> list[Window]:
    """Those that are on; of two that begin together the one that lasts longer."""
    found: dict[str, Window] = {}
    for window in windows:
        times = _weekly(window, window.weekly, now) if window.weekly else _dated(window, now)
        if times is not None:
            on = Window(*times, window.reason)
            if on.id not in found or found[on.id].end < on.end:
                found[on.id] = on
    return sorted(found.values(), key=lambda window: window.start)


def begun(
    windows: Iterable[Window], holds: Sequence[Hold], ended: Iterable[EndedHold], revision: str, now: float
) -> list[Hold]:
    """The holds of windows that have begun and are not noted; one that somebody ended by hand stays ended."""
    known = {hold.id for hold in holds} | {one.hold.id for one in ended}
    return [
        Hold(
            id=window.id,
            reason=window.reason,
            person=MANIFEST,
            since=now,
            until=window.end.timestamp(),
            revision=revision,
        )
        for window in windows
        if window.id not in known
    ]


def _dated(window: FreezeWindow, now: datetime) -> tuple[datetime, datetime] | None:
    start, end = window.at(window.from_ or ""), window.at(window.until or "")
    return (start, end) if start <= now < end else None


def _weekly(window: FreezeWindow, weekly: Weekly, now: datetime) -> tuple[datetime, datetime] | None:
    local = now.astimezone(zone(window.zone))
    monday = local.date() - timedelta(days=local.weekday())
    for week in (monday, monday - timedelta(days=7)):
        # On the clock of its zone, which summer time moves: days are added there, not seconds.
        start, end = _wall(window, week, weekly.from_), _wall(window, week, weekly.until)
        if end <= start:
            end = _wall(window, week + timedelta(days=7), weekly.until)
        if start <= now < end:
            return start, end
    return None


def _wall(window: FreezeWindow, monday: date, at: str) -> datetime:
    day, clock = at.split()
    hour, minute = map(int, clock.split(":"))
    on = monday + timedelta(days=DAYS.index(day))
    return datetime(on.year, on.month, on.day, hour, minute, tzinfo=zone(window.zone)).astimezone(UTC)
