"""Work on the cloud that looks first and changes what differs: done anew where it was disturbed."""

import time
from collections.abc import Callable
from typing import TypeVar

import requests
from hcloud import APIException

T = TypeVar("T")

AGAIN_SECONDS = 0.5
DISTURBED_SECONDS = 15.0
# Somebody else was at it between the look and the change, or is at it still.
DISTURBED = frozenset({"locked", "conflict", "not_found", "uniqueness_error"})


def settle(look_and_change: Callable[[], T]) -> T:
    """What the work returns. An answer that was lost is made up for once: the second look sees what came of it."""
    deadline = time.monotonic() + DISTURBED_SECONDS
    lost = False
    while True:
        try:
            return look_and_change()
        except APIException as error:
            if error.code not in DISTURBED or time.monotonic() > deadline:
                raise
        except requests.ConnectionError:
            if lost:
                raise
            lost = True
        time.sleep(AGAIN_SECONDS)
