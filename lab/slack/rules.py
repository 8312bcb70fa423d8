"""The small rules that block validation is made of: each yields the problems it finds at a JSON pointer."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lab.slack.wire import Json


@dataclass(frozen=True)
class Problem:
    at: str
    reason: str

    def __str__(self) -> str:
        return f"{self.reason} [json-pointer:{self.at}]"


Problems = Iterator[Problem]
Rule = Callable[[Json, str], Problems]


def required(value: Json, at: str, *names: str) -> Problems:
    for name in names:
        if name not in value or value[name] is None:
            yield Problem(at, f"missing required field: {name}")


def only(value: Json, at: str, *names: str) -> Problems:
    """Fields beside `type` and `block_id` that Slack does not know here."""
    for name in value:
        if name not in names and name not in ("type", "block_id"):
            yield Problem(at, f"invalid additional property: {name}")


def string(value: object, at: str, limit: int, *, empty: bool = False) -> Problems:
    """A string of 1 to `limit` characters, where present."""
    if value is None:
        return
    if not isinstance(value, str):
        yield Problem(at, "must be a string")
    elif not value and not empty:
        yield Problem(at, "must be more than 0 characters")
    elif len(value) > limit:
        yield Problem(at, f"must be less than {limit + 1} characters")


def text(value: object, at: str, limit: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Problems:
    """A text object of one of `kinds`, where present."""
    if value is None:
        return
    if not isinstance(value, dict):
        yield Problem(at, "must provide an object")
        return
    if value.get("type") not in kinds:
        yield Problem(f"{at}/type", f"must be one of: {', '.join(kinds)}")
    if "text" not in value:
        yield Problem(at, "missing required field: text")
    yield from string(value.get("text"), f"{at}/text", limit)


def plain(value: object, at: str, limit: int) -> Problems:
    return text(value, at, limit, ("plain_text",))


def one_of(value: object, at: str, allowed: Iterable[str]) -> Problems:
    choices = tuple(allowed)
    if value is not None and value not in choices:
        yield Problem(at, f"must be one of: {', '.join(choices)}")


def items(value: object, at: str, least: int, most: int, each: Rule) -> Problems:
    """A list of `least` to `most` objects, each of which follows `each`."""
    if value is None:
        return
    if not isinstance(value, list):
        yield Problem(at, "must be an array")
        return
    if len(value) < least:
        yield Problem(at, f"no less than {least} items required")
    if len(value) > most:
        yield Problem(at, f"no more than {most} items allowed")
        return
    for index, item in enumerate(value):
        if isinstance(item, dict):
            yield from each(item, f"{at}/{index}")
        else:
            yield Problem(f"{at}/{index}", "must provide an object")


def unique(values: Iterable[tuple[str, str]], what: str) -> Problems:
    """`values` are (pointer, name) pairs; a name may appear once."""
    seen: set[str] = set()
    for at, name in values:
        if name in seen:
            yield Problem(at, f"`{what}` {name} already exists")
        seen.add(name)
