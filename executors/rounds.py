"""Long waits on machines, cut into rounds: whoever waits judges between them, and can stop."""

from collections.abc import Iterator

ROUND_SECONDS = 5.0


def rounds(seconds: float) -> Iterator[float]:
    """The lengths of the rounds that make up a wait; at least one."""
    left = seconds
    while True:
        length = min(left, ROUND_SECONDS)
        yield length
        left -= length
        if left <= 0:
            return
