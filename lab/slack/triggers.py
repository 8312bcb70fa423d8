"""What an interaction hands to the app for a short while: a trigger for a modal, a response URL."""

import secrets
import time
from dataclasses import dataclass

from lab.slack.wire import RefusedError, new_id


@dataclass
class _Trigger:
    person: str
    until: float
    used: bool = False


class Triggers:
    """A trigger opens one modal for the person who acted, within `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: dict[str, _Trigger] = {}

    def issue(self, person: str) -> str:
        trigger_id = f"{time.time_ns()}.{secrets.randbelow(10**13)}.{secrets.token_hex(16)}"
        self._known[trigger_id] = _Trigger(person, time.monotonic() + self._seconds)
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """The person to show the modal to."""
        trigger = self._known.get(trigger_id)
        if trigger is None:
            raise RefusedError("invalid_trigger_id")
        if trigger.used:
            raise RefusedError("exchanged_trigger_id")
        if time.monotonic() > trigger.until:
            raise RefusedError("expired_trigger_id")
        trigger.used = True
        return trigger.person


@dataclass
class ResponseUrl:
    """Where an interaction happened: `message_ts` is the message that was clicked, if one was."""

    person: str
    channel: str
    message_ts: str | None
    thread_ts: str | None
    until: float
    uses_left: int


class ResponseUrls:
    def __init__(self, uses: int, seconds: float) -> None:
        self._uses = uses
        self._seconds = seconds
        self._known: dict[str, ResponseUrl] = {}

    def issue(self, person: str, channel: str, message_ts: str | None = None, thread_ts: str | None = None) -> str:
        key = new_id("", 24)
        until = time.monotonic() + self._seconds
        self._known[key] = ResponseUrl(person, channel, message_ts, thread_ts, until, self._uses)
        return key

    def use(self, key: str) -> ResponseUrl:
        known = self._known.get(key)
        if known is None or time.monotonic() > known.until:
            raise RefusedError("expired_url")
        if known.uses_left < 1:
            raise RefusedError("used_url")
        known.uses_left -= 1
        return known
