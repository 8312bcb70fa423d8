"""When the next call may be made: Slack's limits, kept with room to spare. The caller brings the time."""

import threading
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

Method = Literal[
    "chat.postMessage",
    "chat.update",
    "chat.postEphemeral",
    "chat.getPermalink",
    "views.publish",
    "files.upload",
    "conversations.history",
    "conversations.replies",
    "conversations.open",
    "conversations.list",
]


class Rank(IntEnum):
    """What goes first: answers to persons, what waits for somebody or has ended, other words, progress."""

    PERSON = 0
    DECISIVE = 1
    WORDS = 2
    PROGRESS = 3


@dataclass(frozen=True)
class Budget:
    """`burst` calls at once, and one more every `interval` seconds."""

    burst: float
    interval: float


# Slack takes about one post a second in a channel, with a short burst; the lab's burst is 4.
POSTS = Budget(3.0, 1.02)
TIER_2 = Budget(4.0, 60.0 / 15)
TIER_3 = Budget(8.0, 60.0 / 40)
TIER_4 = Budget(20.0, 60.0 / 78)
BUDGETS: dict[Method, Budget] = {
    "chat.postMessage": POSTS,
    "chat.postEphemeral": TIER_4,
    "chat.getPermalink": TIER_3,
    "views.publish": TIER_4,
    # One upload is a call of each of two methods.
    "files.upload": TIER_4,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.open": TIER_3,
    "conversations.list": TIER_2,
}
# Slack takes 50 edits a minute and more, in all channels together: so many in any minute.
EDITS = 48
EDITS_SECONDS = 60.5
# Edits that progress leaves alone for the end of each card that shows work under way; it never leaves more.
MOST_KEPT = 38
CARD_INTERVAL = 1.0


@dataclass
class _Bucket:
    budget: Budget
    level: float
    at: float

    def fill(self, now: float) -> None:
        self.level = min(self.budget.burst, self.level + (now - self.at) / self.budget.interval)
        self.at = now


@dataclass
class Pace:
    """Budgets a method (posts: and a channel). `Retry-After` holds that method alone. Any thread may ask."""

    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)
    _edits: deque[float] = field(default_factory=deque)
    _progress: float = float("-inf")
    _edited: dict[str, float] = field(default_factory=dict)
    _held: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ready_at(
        self,
        method: Method,
        channel: str,
        now: float,
        *,
        rank: Rank = Rank.PERSON,
        record: str = "",
        under_way: int = 0,
    ) -> float:
        """The earliest time for this call, `now` or later.

        `under_way` is how many cards show work that has not ended: edits of progress leave one edit for each.
        """
        with self._lock:
            held = self._held.get(_where(method, channel), now)
            if method == "chat.update":
                at = self._edit_at(now, record, under_way) if rank is Rank.PROGRESS else self._window_at(now, EDITS)
            else:
                bucket = self._bucket(method, channel, now)
                at = now + max(0.0, 1.0 - bucket.level) * bucket.budget.interval
        return max(now, held, at)

    def made(self, method: Method, channel: str, now: float, *, rank: Rank = Rank.PERSON, record: str = "") -> None:
        """Note a call that was made, whatever came back."""
        with self._lock:
            if method != "chat.update":
                self._bucket(method, channel, now).level -= 1.0
                return
            self._edits.append(now)
            self._edited = {one: at for one, at in self._edited.items() if now - at < CARD_INTERVAL} | {record: now}
            if rank is Rank.PROGRESS:
                self._progress = now

    def hold(self, method: Method, channel: str, until: float) -> None:
        """Obey a `Retry-After`."""
        with self._lock:
            self._held[_where(method, channel)] = until

    def _edit_at(self, now: float, record: str, under_way: int) -> float:
        """Progress is spread over the minute: many cards get few edits, but always some."""
        share = EDITS - min(under_way, MOST_KEPT)
        return max(
            self._window_at(now, share),
            self._progress + EDITS_SECONDS / share,
            self._edited.get(record, float("-inf")) + CARD_INTERVAL,
        )

    def _window_at(self, now: float, share: int) -> float:
        """When fewer than `share` edits were made in the last minute."""
        while self._edits and self._edits[0] <= now - EDITS_SECONDS:
            self._edits.popleft()
        return now if len(self._edits) < share else self._edits[-share] + EDITS_SECONDS

    def _bucket(self, method: Method, channel: str, now: float) -> _Bucket:
        budget = BUDGETS[method]
        bucket = self._buckets.setdefault(_where(method, channel), _Bucket(budget, budget.burst, now))
        bucket.fill(now)
        return bucket


def _where(method: Method, channel: str) -> tuple[str, str]:
    return (method, channel if method == "chat.postMessage" else "")
