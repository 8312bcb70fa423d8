"""Long waits on machines, cut into pieces: whoever waits judges between them, and can stop."""

from collections.abc import Iterator

PIECE_SECONDS = 5.0


def pieces(seconds: float) -> Iterator[float]:
    """The lengths of the pieces that make up a wait; at least one."""
    left = seconds
    while True:
        length = min(left, PIECE_SECONDS)
        yield length
        left -= length
        if left <= 0:
            return
