"""Whether the channel has heard what was written for it."""

import time

from gitops.store import Store
from model import keys
from model.operation import Card

LOOK_SECONDS = 0.2


def is_heard(store: Store, notice_id: str) -> bool:
    """Whether a message shows a notice."""
    text = store.get(keys.card(notice_id))
    return text is not None and bool(Card.model_validate_json(text).ts)


def wait_until_heard(store: Store, notice_id: str, seconds: float) -> bool:
    """Wait until a notice was posted, but not longer; says whether it was. What was said before comes before it."""
    deadline = time.monotonic() + seconds
    while not is_heard(store, notice_id):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
