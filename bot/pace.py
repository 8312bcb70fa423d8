"""When the next call may be made: Slack's limits, kept with room to spare. Pure: the caller brings the time."""

from dataclasses import dataclass, field
from typing import Literal

Method = Literal["chat.postMessage", "chat.update", "conversations.history", "conversations.replies"]

# Slack takes about one post a second in a channel, and 50 edits a minute in all.
POST_INTERVAL = 1.1
EDITS_A_MINUTE = 40.0
EDIT_BURST = 8.0
# Edits that are kept back for what ends or waits for somebody.
URGENT_EDITS = 3.0
CARD_INTERVAL = 1.0
LOOKUP_INTERVAL = 1.5
LONGEST_INTERVAL = 10.0


@dataclass
class Pace:
    """Budgets a method and a channel; `Retry-After` holds one method in one channel (edits: everywhere)."""

    _tokens: float = EDIT_BURST
    _filled: float = 0.0
    _last: dict[tuple[str, str], float] = field(default_factory=dict)
    _held: dict[tuple[str, str], float] = field(default_factory=dict)

    def ready_at(self, method: Method, channel: str, record: str, now: float, *, urgent: bool) -> float:
        """The earliest time for this call, `now` or later."""
        times = [now, self._held.get(_where(method, channel), now)]
        match method:
            case "chat.postMessage":
                times.append(self._last.get((method, channel), now - POST_INTERVAL) + POST_INTERVAL)
            case "chat.update":
                times.append(self._token_at(now, 1.0 if urgent else 1.0 + URGENT_EDITS))
                if not urgent:
                    times.append(self._last.get((method, record), now - CARD_INTERVAL) + CARD_INTERVAL)
            case _:
                times.append(self._last.get((method, ""), now - LOOKUP_INTERVAL) + LOOKUP_INTERVAL)
        return max(times)

    def made(self, method: Method, channel: str, record: str, now: float) -> None:
        """Note a call that was made, whatever came back."""
        self._last = {key: at for key, at in self._last.items() if now - at < LONGEST_INTERVAL}
        match method:
            case "chat.postMessage":
                self._last[method, channel] = now
            case "chat.update":
                self._fill(now)
                self._tokens -= 1.0
                self._last[method, record] = now
            case _:
                self._last[method, ""] = now

    def hold(self, method: Method, channel: str, until: float) -> None:
        """Obey a `Retry-After`."""
        self._held[_where(method, channel)] = until

    def _token_at(self, now: float, wanted: float) -> float:
        self._fill(now)
        return now + max(0.0, wanted - self._tokens) * 60.0 / EDITS_A_MINUTE

    def _fill(self, now: float) -> None:
        self._tokens = min(EDIT_BURST, self._tokens + (now - self._filled) * EDITS_A_MINUTE / 60.0)
        self._filled = now


def _where(method: Method, channel: str) -> tuple[str, str]:
    return (method, channel if method == "chat.postMessage" else "")
