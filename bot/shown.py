"""Where everything that was said in Slack stands: `flstr/card/…`, held in memory and written through to etcd."""

import threading

import structlog

from gitops.store import Store
from model import keys
from model.errors import Refused
from model.operation import Card

log = structlog.get_logger()

# What `shown` begins with, where a card shows work that has not ended.
UNDER_WAY = frozenset({"running", "queued"})


class Cards:
    """A card without a `ts` was about to be posted: whether it was, only Slack knows. Any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Card] = {}
        self._unsaved: set[str] = set()
        self._under_way: set[str] = set()
        self._lock = threading.RLock()

    def load(self) -> None:
        """Read what was noted before."""
        found = [Card.model_validate_json(value) for value in self._store.prefix(keys.CARDS).values()]
        with self._lock:
            self._known = {}
            for card in found:
                self._know(card)

    def get(self, record: str) -> Card | None:
        """Where a record is shown, or None where it never was."""
        return self._known.get(record)

    def under_way(self) -> frozenset[str]:
        """The records whose cards show work that has not ended."""
        with self._lock:
            return frozenset(self._under_way)

    def begin(self, record: str, channel: str) -> None:
        """Note that a record is about to be posted; raises `Refused` where that cannot be noted."""
        card = Card(record=record, channel=channel, ts="")
        with self._lock:
            if self._known.get(record) != card or record in self._unsaved:
                self._store.put(keys.card(record), card.to_json())
                self._know(card)
                self._unsaved.discard(record)

    def put(self, card: Card) -> None:
        """Note what stands in Slack now; what etcd does not take is kept for `save`."""
        with self._lock:
            self._know(card)
            self._unsaved.add(card.record)
            self.save()

    def forget(self, record: str) -> None:
        """Note nothing of a record any more; raises `Refused` where etcd does not take that."""
        with self._lock:
            if record in self._known:
                self._store.delete(keys.card(record))
                self._known.pop(record)
                self._unsaved.discard(record)
                self._under_way.discard(record)

    def forget_under(self, prefix: str) -> None:
        """The same for all records that begin so."""
        with self._lock:
            for record in [one for one in self._known if one.startswith(prefix)]:
                self.forget(record)

    def drop(self, record: str) -> None:
        """Etcd has forgotten a record and all that was said below it: so does memory."""
        with self._lock:
            for known in [one for one in self._known if one == record or one.startswith(f"{record}/")]:
                self._known.pop(known)
                self._unsaved.discard(known)
                self._under_way.discard(known)

    def save(self) -> None:
        """Write what etcd did not take before."""
        with self._lock:
            for record in sorted(self._unsaved):
                try:
                    self._store.put(keys.card(record), self._known[record].to_json())
                except Refused as refused:
                    log.warning("a card's place could not be noted yet", record=record, reason=refused.sentence)
                    return
                self._unsaved.discard(record)

    def _know(self, card: Card) -> None:
        self._known[card.record] = card
        if card.ts and card.shown.partition(" ")[0] in UNDER_WAY:
            self._under_way.add(card.record)
        else:
            self._under_way.discard(card.record)
