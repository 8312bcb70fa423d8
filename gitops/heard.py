"""Whether the channel has heard what was written for it."""

import time

from gitops.store import Store
from model import keys
from model.operation import Card

LOOK_SECONDS = 0.2
# The word that a card's `shown` begins with once it says that the cluster ends.
ENDING = "ending"


def says_the_end(store: Store, operation_id: str) -> bool:
    """Whether an operation's card, where it has one, says that the cluster ends."""
    text = store.get(keys.card(operation_id))
    return text is None or Card.model_validate_json(text).shown.partition(" ")[0] == ENDING


def is_heard(store: Store, notice_id: str) -> bool:
    """Whether a message shows a notice."""
    text = store.get(keys.card(notice_id))
    return text is not None and bool(Card.model_validate_json(text).ts)


def wait_until_heard(store: Store, notice_id: str, operation_id: str, seconds: float) -> bool:
    """Wait until a notice was posted, and a card says the end, but not longer; says whether it is so."""
    deadline = time.monotonic() + seconds
    while not (is_heard(store, notice_id) and says_the_end(store, operation_id)):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
