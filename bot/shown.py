"""Where everything that was said in Slack stands: `flstr/card/…`, held in memory and written through to etcd."""

import structlog

from gitops.store import Store
from model import keys
from model.errors import Refused
from model.operation import Card

log = structlog.get_logger()


class Cards:
    """A card without a `ts` was about to be posted: whether it was, only Slack knows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Card] = {}
        self._unsaved: set[str] = set()

    def load(self) -> None:
        """Read what was noted before."""
        found = (Card.model_validate_json(value) for value in self._store.prefix(keys.CARDS).values())
        self._known = {card.record: card for card in found}

    def get(self, record: str) -> Card | None:
        """Where a record is shown, or None where it never was."""
        return self._known.get(record)

    def begin(self, record: str, channel: str) -> None:
        """Note that a record is about to be posted; raises `Refused` where that cannot be noted."""
        card = Card(record=record, channel=channel, ts="")
        if self._known.get(record) != card or record in self._unsaved:
            self._store.put(keys.card(record), card.to_json())
            self._known[record] = card
            self._unsaved.discard(record)

    def put(self, card: Card) -> None:
        """Note what stands in Slack now; what etcd does not take is kept for `save`."""
        self._known[card.record] = card
        self._unsaved.add(card.record)
        self.save()

    def save(self) -> None:
        """Write what etcd did not take before."""
        for record in sorted(self._unsaved):
            try:
                self._store.put(keys.card(record), self._known[record].to_json())
            except Refused as refused:
                log.warning("a card's place could not be noted yet", record=record, reason=refused.sentence)
                return
            self._unsaved.discard(record)
