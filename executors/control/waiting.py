"""Waiting until something of the controllers has come up, as etcd tells it."""

import time
from collections.abc import Callable

from model.errors import Unreadable

UP_SECONDS = 60.0
LOOK_SECONDS = 0.2


def comes_true(holds: Callable[[], bool], seconds: float) -> bool:
    """Look again and again, for so long at most; whether it held in the end. While etcd is silent, it does not."""
    deadline = time.monotonic() + seconds
    while not _holds(holds):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _holds(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except Unreadable:
        return False
