"""The freezes that `cluster.yaml` foresees: from one date to another, or every week."""

from datetime import UTC, datetime, tzinfo
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from model.base import Frozen
from model.names import Form

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

WeekTime = Annotated[
    str,
    StringConstraints(pattern=r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):[0-5][0-9]$"),
    Form("a day and a time, such as Fri 16:00"),
]


def _moment(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"'{value[:40]}' is no date; write one such as 2026-12-24 or 2026-12-24T18:00") from error
    return value


Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
    ),
    Form("a date, with a time or without: 2026-12-24 or 2026-12-24T18:00"),
    AfterValidator(_moment),
]


def _zone(value: str) -> str:
    try:
        zone(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"'{value}' is no time zone that this machine knows; write one such as Europe/Berlin"
        ) from error
    return value


ZoneName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$", max_length=60),
    Form("a time zone, such as Europe/Berlin"),
    AfterValidator(_zone),
]
Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$"), Form("one line of text")
]


def zone(name: str) -> tzinfo:
    """The zone of a name."""
    return UTC if name == "UTC" else ZoneInfo(name)


class Weekly(Frozen):
    """A part of every week."""

    from_: WeekTime = Field(alias="from", description="When it begins")
    until: WeekTime = Field(description="When it ends, within the same seven days")

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.from_ == self.until:
            raise ValueError("a weekly freeze ends at another time than it begins; a whole week would never thaw")
        return self


class FreezeWindow(Frozen):
    """A time in which no newer revision is followed: between two dates, or a part of every week."""

    from_: Moment | None = Field(None, alias="from", description="When it begins")
    until: Moment | None = Field(None, description="When it ends")
    weekly: Weekly | None = Field(None, description="The part of every week, instead of `from` and `until`")
    zone: ZoneName = Field("UTC", description="Time zone of the times that do not name one themselves")
    reason: Reason = Field(description="Why, for whoever waits")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        dated = (self.from_, self.until)
        if (self.weekly is None) == (dated == (None, None)):
            raise ValueError("a freeze has either 'from' and 'until', or 'weekly'")
        if self.weekly is None:
            if None in dated:
                raise ValueError("a freeze between two dates has both 'from' and 'until'")
            if self.at(str(self.from_)) >= self.at(str(self.until)):
                raise ValueError("'until' has to come after 'from'")
        return self

    def at(self, moment: str) -> datetime:
        """A date of the manifest as a time."""
        found = datetime.fromisoformat(moment)
        return (found if found.tzinfo is not None else found.replace(tzinfo=zone(self.zone))).astimezone(UTC)
