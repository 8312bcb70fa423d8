"""The request limit of a project: so many an hour, given back a little at a time."""

import math
import time
from collections.abc import Callable


class RateLimit:
    def __init__(self, per_hour: int, clock: Callable[[], float] = time.time) -> None:
        self.limit = per_hour
        self._clock = clock
        self._left = float(per_hour)
        self._seen = clock()

    def spend(self) -> bool:
        """Take one request; False when none is left."""
        self._refill()
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def set_remaining(self, requests: int) -> None:
        self._refill()
        self._left = float(min(requests, self.limit))

    def headers(self) -> dict[str, str]:
        """Reset is the Unix time at which the whole limit is there again."""
        self._refill()
        full_in = (self.limit - self._left) * 3600 / self.limit
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(int(self._left)),
            "RateLimit-Reset": str(math.ceil(self._seen + full_in)),
        }

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(float(self.limit), self._left + (now - self._seen) * self.limit / 3600)
        self._seen = now
