"""When what failed at the outside is tried again by itself."""

from collections.abc import Collection

FIRST_SECONDS = 30.0
LONGEST_SECONDS = 600.0


class Again:
    """The locks of plans that failed and are still wanted. They wait for longer each time, and all of them together."""

    def __init__(self) -> None:
        self._locks: tuple[str, ...] = ()
        self._due = 0.0
        self._seconds = FIRST_SECONDS

    def left(self, locks: Collection[str], now: float) -> None:
        """What has been tried and is left undone, of all there is to do; nothing, where all is well."""
        if not locks:
            self._seconds = FIRST_SECONDS
        elif not self._locks:
            self._due = now + self._seconds
            self._seconds = min(2 * self._seconds, LONGEST_SECONDS)
        self._locks = tuple(locks)

    def due(self, now: float) -> tuple[str, ...]:
        """What is to be tried now; said once."""
        if not self._locks or now < self._due:
            return ()
        found, self._locks = self._locks, ()
        return found
