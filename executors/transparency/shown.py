"""Words that came from outside, as they stand in an answer. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from executors import findings

LONGEST = 80
NAMES = 3


def shown(text: str) -> str:
    """A name that a stranger gave, without a meaning to Slack, on one line and cut short."""
    return findings.shown(text, LONGEST)


def named(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    if not names:
        return "no host name"
    more = len(names) - NAMES
    listed = ", ".join(map(shown, names[:NAMES]))
    return listed + (f" and {more} more name{'' if more == 1 else 's'}" if more > 0 else "")


def age(time: timedelta) -> str:
    """How long ago something was, as a person says it."""
    minutes = max(0, int(time.total_seconds() // 60))
    for unit, length in (("day", 1440), ("hour", 60)):
        if minutes >= 2 * length:
            return f"{minutes // length} {unit}s"
    return "less than a minute" if minutes == 0 else f"{minutes} minute{'' if minutes == 1 else 's'}"
