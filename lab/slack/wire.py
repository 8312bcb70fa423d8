"""Slack's JSON: the type of a parsed object, identifiers, and the way a method refuses."""

import secrets
import string
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

_ALPHABET = string.ascii_uppercase + string.digits


def new_id(prefix: str, length: int = 10) -> str:
    """A fresh identifier in Slack's look, such as `V7K2…` for a view."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


class RefusedError(Exception):
    """A method answers `{"ok": false, "error": …}`; `messages` says why, one reason a line."""

    def __init__(self, error: str, messages: Sequence[str] = (), *, retry_after: int | None = None) -> None:
        super().__init__(error, *messages)
        self.error = error
        self.messages = tuple(messages)
        self.retry_after = retry_after

    def body(self) -> Json:
        answer: Json = {"ok": False, "error": self.error}
        if self.messages:
            answer["errors"] = list(self.messages)
            answer["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return answer
