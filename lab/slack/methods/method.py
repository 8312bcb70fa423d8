"""What a Web API method is, and how it reads its arguments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from lab.slack.content import parsed
from lab.slack.state import Slack
from lab.slack.wire import Json, RefusedError

T = TypeVar("T")

PAGE = 100


class Args:
    """The arguments of a call, from a form or a JSON body."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise RefusedError("invalid_arguments", [f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        value = self.text(name)
        try:
            return int(value) if value else default
        except ValueError:
            raise RefusedError("invalid_arguments", [f"must be a number [json-pointer:/{name}]"]) from None

    def page(self, items: Sequence[T], most: int) -> tuple[list[T], str]:
        """The part of `items` that `limit` and `cursor` ask for, and the cursor of the next one, empty at the end."""
        first, limit = self.number("cursor", 0), self.number("limit", PAGE)
        if not 1 <= limit <= most:
            raise RefusedError("invalid_limit")
        if not 0 <= first <= len(items):
            raise RefusedError("invalid_cursor")
        end = first + limit
        return list(items[first:end]), str(end) if end < len(items) else ""

    def structure(self, name: str) -> object:
        return parsed(self.values.get(name), "invalid_arguments")


@dataclass(frozen=True)
class Method:
    """`tier` is Slack's rate-limit tier, None where it has a limit of its own or none worth the name;
    `identity` the kind of token it takes."""

    name: str
    call: Callable[[Slack, Args], Json]
    tier: int | None
    identity: Literal["bot", "app"] = "bot"
