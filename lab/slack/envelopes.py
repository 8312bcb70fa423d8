"""What goes to the app over Socket Mode, and the log of how each envelope fared."""

import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from lab.slack.wire import Json, new_id

_KEPT = 20_000


@dataclass(frozen=True)
class Envelope:
    kind: str
    payload: Json
    wants_payload: bool = False
    retry_attempt: int | None = None
    retry_reason: str | None = None
    id: str = field(default_factory=lambda: new_id("", 20).lower())

    def wire(self) -> str:
        frame: Json = {
            "type": self.kind,
            "envelope_id": self.id,
            "payload": self.payload,
            "accepts_response_payload": self.wants_payload,
        }
        if self.kind == "events_api":
            frame |= {"retry_attempt": self.retry_attempt or 0, "retry_reason": self.retry_reason or ""}
        return json.dumps(frame)

    @property
    def key(self) -> str:
        """What stays the same when Slack sends the same thing again: the event's or the trigger's identifier."""
        return str(self.payload.get("event_id") or self.payload.get("trigger_id") or self.id)


@dataclass(frozen=True)
class Delivery:
    """How an envelope fared: acknowledged with a payload or none, or Slack's word for why not."""

    payload: Json | None = None
    error: str | None = None

    @property
    def acknowledged(self) -> bool:
        return self.error is None


@dataclass
class Fate:
    """One envelope's way. `sends` are (connection, time), more than one where it was sent twice;
    `acks` counts every acknowledgement, those that Slack did not wait for any more included."""

    id: str
    kind: str
    key: str
    retry_attempt: int
    made_at: float
    sends: list[tuple[int, float]] = field(default_factory=list)
    acknowledged_at: float | None = None
    acks: int = 0
    error: str | None = None

    def wire(self) -> Json:
        """`connection` and `sent_at` are those of the first time it was sent."""
        first = self.sends[0] if self.sends else (None, None)
        return {
            "id": self.id,
            "kind": self.kind,
            "key": self.key,
            "retry_attempt": self.retry_attempt,
            "made_at": self.made_at,
            "connection": first[0],
            "sent_at": first[1],
            "sends": len(self.sends),
            "acknowledged_at": self.acknowledged_at,
            "acks": self.acks,
            "error": self.error,
        }


class EnvelopeLog:
    """The newest envelopes and their fates, oldest first."""

    def __init__(self) -> None:
        self._fates: OrderedDict[str, Fate] = OrderedDict()

    def begin(self, envelope: Envelope) -> Fate:
        fate = Fate(envelope.id, envelope.kind, envelope.key, envelope.retry_attempt or 0, time.time())
        self._fates[envelope.id] = fate
        if len(self._fates) > _KEPT:
            self._fates.popitem(last=False)
        return fate

    def acknowledged(self, envelope_id: str) -> None:
        fate = self._fates.get(envelope_id)
        if fate is not None:
            fate.acks += 1
            fate.acknowledged_at = fate.acknowledged_at or time.time()

    def all(self) -> list[Fate]:
        return list(self._fates.values())
