"""When a hold ends: as a person writes it, as people read it, and how far off it may be. Pure."""

import re
from datetime import UTC, date, datetime, timedelta

from model.errors import Refused

LONGEST = timedelta(days=90)

_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,4})m(?:in)?)?")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", re.ASCII)

HOW = "write how long (2h, 30m, 3d), a time (18:30, in UTC) or a date (2026-12-27)"


def parse_end(word: str, now: datetime) -> datetime:
    """The end that a word means: `2h`, `18:30` (the next one in UTC), `2026-12-27` (as that day begins, in UTC) or
    `2026-12-27T18:30`. Raises `Refused`.
    """
    end = _end(word.strip(), now)
    if end is None:
        raise Refused(f"'{word[:40]}' is no end; {HOW}.")
    if end <= now:
        raise Refused(f"'{word[:40]}' is over already; it is {in_words(now)}.")
    if end - now > LONGEST:
        raise Refused(f"'{word[:40]}' is too far off: a hold lasts {LONGEST.days} days at most, and can be prolonged.")
    return end


def in_words(moment: datetime | float) -> str:
    """`2026-12-27 18:30 UTC`."""
    at = datetime.fromtimestamp(moment, UTC) if isinstance(moment, float | int) else moment.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _end(word: str, now: datetime) -> datetime | None:
    try:
        if (found := _DURATION.fullmatch(word)) and word and word.isascii():
            days, hours, minutes = (int(part or 0) for part in found.groups())
            return now + timedelta(days=days, hours=hours, minutes=minutes)
        if found := _TIME.fullmatch(word):
            today = now.astimezone(UTC).replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
            return today if today > now else today + timedelta(days=1)
        if _DATE.fullmatch(word):
            day = date.fromisoformat(word)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        if _DATE_TIME.fullmatch(word):
            at = datetime.fromisoformat(word)
            return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return None
