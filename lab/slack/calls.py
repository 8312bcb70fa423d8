"""The log of Web API calls, and the faults that a test asks for."""

import time
from collections import deque
from dataclasses import dataclass

from lab.slack.wire import Json

_KEPT = 20_000
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Call:
    method: str
    args: Json
    at: float
    error: str | None

    def wire(self) -> Json:
        return {"method": self.method, "args": self.args, "at": self.at, "ok": self.error is None, "error": self.error}


class CallLog:
    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_KEPT)

    def add(self, method: str, args: Json, error: str | None) -> None:
        self._calls.append(Call(method, _summary(args), time.time(), error))

    def all(self, method: str | None = None) -> list[Call]:
        return [call for call in self._calls if method in (None, call.method)]


def _summary(args: Json) -> Json:
    """Arguments short enough to read, and never the token."""
    return {
        name: value if isinstance(value, (int, bool)) else str(value)[:_SHOWN_CHARACTERS]
        for name, value in args.items()
        if name != "token" and value is not None
    }


@dataclass(frozen=True)
class Fault:
    """One call of `method` (`*` for any) goes wrong.

    `error` is Slack's word in an answer; `status` an HTTP status; `lose_answer` carries the call out and drops
    the connection before the answer.
    """

    method: str
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    lose_answer: bool = False


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault, times: int) -> None:
        self._waiting += [fault] * times

    def next(self, method: str) -> Fault | None:
        for fault in self._waiting:
            if fault.method in ("*", method):
                self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self._waiting.clear()
