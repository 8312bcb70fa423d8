"""In which zone a name lies, and what it is called there. Pure."""

import re
from collections.abc import Iterable

from model.errors import StepFailed

APEX = "@"

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(\*\.)?(_[a-z0-9-]{{1,62}}\.)*({_LABEL}\.)+{_LABEL}")


def check_record_name(name: str) -> str:
    """`name`; raises `StepFailed` where it cannot be the name of a record, or would be more than one word of a URL."""
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise StepFailed(
            f"{name!r} cannot be the name of a DNS record; it is a full host name in small letters, such as "
            "app.example.com or *.example.com"
        )
    return name


def zone_of(name: str, zones: Iterable[str]) -> str | None:
    """The zone that holds a name: of those it ends with, the longest."""
    return max((zone for zone in zones if name == zone or name.endswith(f".{zone}")), key=len, default=None)


def within(zone: str, name: str) -> str:
    """What a name is called in its zone: `www`, or `@` for the zone itself."""
    return APEX if name == zone else name.removesuffix(f".{zone}")
