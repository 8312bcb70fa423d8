"""Who is who in Slack, asked by the Web API; what it said is kept for a minute."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from slack_sdk import WebClient

from bot.channels import Channels
from bot.slack_errors import CALL_ERRORS, Failure, RateLimited, RefusedBySlack, Uncertain, failure
from gitops.directory import Profile
from model.errors import Unreadable

KEPT_SECONDS = 45.0
# What Slack did not say is not asked again at once.
SILENT_SECONDS = 5.0
PAGE = 200

T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True)
class _Answer:
    """What Slack said, or why it did not, and until when that is taken as it is."""

    value: Any
    why_not: str
    until: float


class SlackDirectory:
    """Answers are asked for side by side by whoever needs them, each once."""

    def __init__(self, client: WebClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._channels = Channels(client)
        self._clock = clock
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._asking: dict[tuple[str, str], threading.Lock] = {}
        self._changing = threading.Lock()

    def in_group(self, user: str, group: str) -> bool:
        """Whether a Slack user belongs to a user group, by its id."""
        return user in self._known("the user group", group, self._group)

    def in_channel(self, user: str, channel: str) -> bool:
        """Whether a Slack user is a member of a channel, by its name."""
        return user in self._known("the channel", channel, self._channel)

    def profile(self, user: str) -> Profile | None:
        """A Slack user, or None for one that is not there."""
        return self._known("the member id", user, self._user)

    def by_email(self, email: str) -> Profile | None:
        """The Slack user with this address, or None."""
        return self._known("the address", email.lower(), self._address)

    def _group(self, group: str) -> frozenset[str]:
        answer = self._client.usergroups_users_list(usergroup=group)
        return frozenset(answer.get("users") or ())

    def _channel(self, name: str) -> frozenset[str]:
        channel = self._channels.known(name) or self._channels.ask(name)
        if channel is None:
            raise Unreadable(f"Slack shows flstr no channel #{name}")
        members: set[str] = set()
        cursor: str | None = None
        while True:
            page = self._client.conversations_members(channel=channel, limit=PAGE, cursor=cursor)
            members.update(page.get("members") or ())
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return frozenset(members)

    def _user(self, user: str) -> Profile | None:
        return _profile(self._client.users_info(user=user).get("user") or {})

    def _address(self, email: str) -> Profile | None:
        return _profile(self._client.users_lookupByEmail(email=email).get("user") or {})

    def _known(self, what: str, name: str, ask: Callable[[str], T]) -> T:
        key = (what, name)
        with self._changing:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            answer = self._answers.get(key)
            if answer is None or answer.until <= self._clock():
                answer = self._answers[key] = self._ask(what, name, ask)
        if answer.why_not:
            raise Unreadable(answer.why_not)
        value: T = answer.value
        return value

    def _ask(self, what: str, name: str, ask: Callable[[str], T]) -> _Answer:
        try:
            value: T | None = ask(name)
        except Unreadable as unreadable:
            return self._silent(unreadable.sentence)
        except CALL_ERRORS as error:
            failed = failure(error)
            if not (isinstance(failed, RefusedBySlack) and failed.error in _NOBODY):
                return self._silent(f"Slack does not say who belongs to {what} {name} ({_reason(failed)})")
            value = None
        return _Answer(value, "", self._clock() + KEPT_SECONDS)

    def _silent(self, sentence: str) -> _Answer:
        return _Answer(None, sentence, self._clock() + SILENT_SECONDS)


# These are answers: there is no such user.
_NOBODY = frozenset({"users_not_found", "user_not_found", "user_not_visible"})


def _reason(failed: Failure) -> str:
    match failed:
        case RefusedBySlack(error):
            return error
        case RateLimited(seconds):
            return f"it asks to wait for {seconds:.0f} s"
        case Uncertain():
            return "it did not answer"


def _profile(user: Json) -> Profile | None:
    if not user or user.get("deleted") or user.get("is_bot"):
        return None
    said = user.get("profile") or {}
    name = said.get("real_name") or said.get("display_name") or user.get("name") or user["id"]
    return Profile(str(user["id"]), str(name), str(said.get("email") or ""))
