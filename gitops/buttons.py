"""What was approved waits until nobody sees a button of it any more: so nobody presses one while it runs already."""

import threading
import time
from collections.abc import Callable

from gitops.etcd_following import Following
from gitops.store import Store
from model import keys
from model.operation import Approval, Card

# The word that a card's `shown` begins with while there are buttons on it.
ASKING = "asking"
# Nothing depends on Slack for longer than this.
LIMIT_SECONDS = 10.0


class ButtonsGone:
    """Looks at the card of an approval, and has the worker woken when it changes, or when it was waited for enough."""

    def __init__(self, store: Store, wake: Callable[[], None], clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._wake = wake
        self._clock = clock
        self._waits: tuple[str, Following, threading.Timer] | None = None

    def are_gone(self, approval: Approval) -> bool:
        """Whether what was approved may begin."""
        text = self._store.get(keys.card(approval.operation))
        card = None if text is None else Card.model_validate_json(text)
        late = self._clock() >= decided_at(approval) + LIMIT_SECONDS
        if late or not may_have_buttons(card):
            self.stop()
            return True
        if self._waits is None or self._waits[0] != approval.id:
            self.stop()
            self._waits = (approval.id, *self._wait(approval))
        return False

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._waits is not None:
            _, following, timer = self._waits
            self._waits = None
            timer.cancel()
            following.stop()

    def _wait(self, approval: Approval) -> tuple[Following, threading.Timer]:
        timer = threading.Timer(LIMIT_SECONDS, self._wake)
        timer.daemon = True
        timer.start()
        return self._store.follow(keys.card(approval.operation), lambda *_: self._wake()), timer


def may_have_buttons(card: Card | None) -> bool:
    """Whether a card may stand in Slack with buttons; one that was about to be posted, or is out of date, may."""
    if card is None:
        return False
    return not card.shown or card.shown.partition(" ")[0] == ASKING


def decided_at(approval: Approval) -> float:
    """When it was decided that it goes."""
    glass = [approval.glass.at] if approval.glass is not None else []
    return max([*(item.at for item in approval.decisions), *glass], default=approval.asked)
