"""`@flstr status` in a channel: what comes after the mention is a command, as after `/flstr`. Pure."""

from dataclasses import dataclass
from html import unescape
from typing import Any

Json = dict[str, Any]

# What was said longer ago is not done unasked any more.
OLD_SECONDS = 600.0


@dataclass(frozen=True)
class Mention:
    """A message that is meant for flstr; `line` is what comes after the first mention of it."""

    user: str
    channel: str
    ts: str
    line: str

    def is_old(self, now: float) -> bool:
        """Whether it was said so long ago that things may be different now."""
        return now - float(self.ts) > OLD_SECONDS


def mention_of(message: Json, channel: str, bot_user: str) -> Mention | None:
    """The mention in an event or in a message of the history; None where nobody speaks to flstr."""
    text, user, ts = message.get("text") or "", message.get("user") or "", message.get("ts") or ""
    marks = [mark for mark in (f"<@{bot_user}>", f"<@{bot_user}|") if mark in text]
    if not marks or not user or not _is_time(ts) or user == bot_user or message.get("bot_id"):
        return None
    if message.get("subtype") not in (None, "thread_broadcast", "file_share"):
        return None
    _, _, after = text.partition(marks[0])
    # In messages, unlike in commands, Slack writes & < > as entities.
    line = unescape(after.partition(">")[2] if marks[0].endswith("|") else after)
    return Mention(user, channel, ts, line.strip())


def _is_time(ts: str) -> bool:
    try:
        return float(ts) > 0
    except ValueError:
        return False
