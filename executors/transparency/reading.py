"""What both sources' answers have in common: JSON that may be broken, times, names. Pure."""

import re
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from executors.transparency.source import Unusable

T = TypeVar("T")

_HOST = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

# Certificates that are never to end say 9999: flstr still has to reckon with that.
LAST = datetime(9990, 1, 1, tzinfo=UTC)


class Row(BaseModel):
    """One object of an answer; fields that flstr does not know are none of its business."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _written(value: object) -> object:
    # Numbers would be taken for seconds.
    if not isinstance(value, str):
        raise ValueError("a time is a text")  # noqa: TRY004 - pydantic knows ValueError
    return value


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return min(moment.astimezone(UTC), LAST)
    except OverflowError as error:
        raise ValueError("a time before or after all times") from error


# crt.sh writes times without a zone and means UTC.
Moment = Annotated[datetime, BeforeValidator(_written), AfterValidator(_utc)]


def rows(adapter: TypeAdapter[T], body: bytes) -> T:
    """An answer as what it should be. Raises `Unusable`, whatever it is instead."""
    start = body[:200].lstrip()
    if not start:
        raise Unusable("sent nothing")
    if start.startswith(b"<"):
        raise Unusable("sent a page for people instead of JSON")
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise Unusable("sent JSON that is broken or cut short") from None
        raise Unusable(f"sent JSON of another form{_where(first['loc'])}") from None


def _where(location: tuple[int | str, ...]) -> str:
    match location:
        case (int(number), str(field), *_):
            return f", with no right {field} in entry {number + 1}"
        case (int(number), *_):
            return f", in entry {number + 1}"
        case _:
            return ""


def host_names(names: list[str]) -> tuple[str, ...]:
    """Those that are host names, in small letters and in order; a certificate may name people and firms as well."""
    plain = {name.strip().lower().rstrip(".") for name in names}
    return tuple(sorted(name for name in plain if len(name) <= 253 and _HOST.fullmatch(name)))
