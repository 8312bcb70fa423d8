"""Rate limits as Slack has them: a bucket a method, and one a channel for new messages."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.slack.settings import RateLimits


@dataclass
class Bucket:
    """Holds `capacity` requests and refills at `per_second`."""

    capacity: float
    per_second: float
    level: float
    at: float

    def take(self, now: float) -> float:
        """Seconds until a request would pass: 0 when this one did."""
        self.level = min(self.capacity, self.level + (now - self.at) * self.per_second)
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.per_second


class RateLimiter:
    def __init__(self, limits: RateLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def method(self, name: str, tier: int) -> int:
        """Whole seconds to wait before `name`, of Slack's tier 1 to 4, may be called again; 0 if it may."""
        per_minute = self._limits.tier_per_minute[tier - 1]
        return self._take((name, ""), per_minute, per_minute / 60)

    def post(self, channel: str) -> int:
        """The same for a new message in `channel`."""
        return self._take(("post", channel), self._limits.post_burst, self._limits.posts_per_second)

    def _take(self, key: tuple[str, str], capacity: float, per_second: float) -> int:
        if not self._limits.enabled:
            return 0
        now = self._clock()
        bucket = self._buckets.setdefault(key, Bucket(capacity, per_second, capacity, now))
        return math.ceil(bucket.take(now))
