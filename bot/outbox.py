"""Everything that flstr says in channels leaves here: the newest state of a card wins, Slack's limits are kept."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bot.channels import Channels
from bot.delivery import Blocked, Call, Delivery, Letter
from bot.pace import Pace
from bot.shown import Cards
from bot.slack_errors import CALL_ERRORS, RateLimited, RefusedBySlack, Uncertain, failure
from model.errors import Refused

log = structlog.get_logger()

NEVER = float("inf")
STOP_SECONDS = 15.0
SAVE_SECONDS = 2.0
UNCERTAIN_SECONDS = 2.0
LONGEST_BACKOFF = 60.0

_BLOCKS_REFUSED = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "unsupported_block_type"}
)
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
# A person has to mend these; until then there is no use in asking often.
_FOR_A_PERSON = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "missing_scope", "no_permission", "restricted_action"}
    | {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "access_denied"}
)


@dataclass
class Waiting:
    """A letter on its way, and how its calls went so far."""

    letter: Letter
    order: int
    not_before: float = 0.0
    failures: int = 0
    form: int = 0
    looked: bool = False


class Outbox:
    """One thread that sends; whoever puts a letter in never waits."""

    def __init__(
        self,
        delivery: Delivery,
        cards: Cards,
        channels: Channels,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._delivery = delivery
        self._cards = cards
        self._channels = channels
        self._clock = clock
        self._pace = Pace(_filled=clock())
        self._waiting: dict[str, Waiting] = {}
        self._count = 0
        self._rich_blocks = True
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="slack outbox", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more; what waits is in etcd and is sent after the next start."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def put(self, letter: Letter) -> None:
        """Have a record shown so; a state of the same record that still waits is replaced."""
        with self._changed:
            waiting = self._waiting.get(letter.record)
            if waiting is not None:
                waiting.letter, waiting.form = letter, 0
            elif not self._stands(letter):
                self._count += 1
                self._waiting[letter.record] = Waiting(letter, self._count)
            self._changed.notify()

    def step(self) -> float:
        """Make at most one call; returns the seconds until there may be another one (`inf`: when a letter is put)."""
        now = self._clock()
        with self._changed:
            ready = [(self._ready_at(waiting, now), waiting) for waiting in self._waiting.values()]
        due = [waiting for at, waiting in ready if at <= now]
        if not due:
            return min((at for at, _ in ready), default=NEVER) - now
        waiting = min(due, key=lambda one: (not one.letter.urgent, one.order))
        self._send(waiting)
        return 0.0

    def _run(self) -> None:
        while True:
            seconds = self.step()
            self._cards.save()
            with self._changed:
                if self._stopped:
                    return
                if seconds > 0:
                    self._changed.wait(timeout=min(seconds, SAVE_SECONDS))

    def _stands(self, letter: Letter) -> bool:
        card = self._cards.get(letter.record)
        return card is not None and bool(card.ts) and card.shown == letter.shown

    def _ready_at(self, waiting: Waiting, now: float) -> float:
        letter = waiting.letter
        call = self._delivery.next_call(letter, looked=waiting.looked)
        if not isinstance(call, Call):
            return NEVER if call == "waits for its card" else waiting.not_before
        at = self._pace.ready_at(call.method, call.channel, letter.record, now, urgent=letter.urgent)
        return max(at, waiting.not_before)

    def _send(self, waiting: Waiting) -> None:
        letter = waiting.letter
        call = self._delivery.next_call(letter, looked=waiting.looked)
        try:
            if isinstance(call, Call):
                self._make(call, waiting, letter)
            else:
                self._unblock(call, waiting, letter)
        except Refused as refused:
            self._later(waiting, UNCERTAIN_SECONDS, refused.sentence)
        except CALL_ERRORS as error:
            self._failed(waiting, call, error)
        except Exception:
            log.exception("a message could not be sent", record=letter.record)
            self._later(waiting, LONGEST_BACKOFF, "an unexpected error")

    def _make(self, call: Call, waiting: Waiting, letter: Letter) -> None:
        self._pace.made(call.method, call.channel, letter.record, self._clock())
        form = self._form(waiting, letter)
        match call.method:
            case "chat.postMessage":
                # Until an answer came, nobody knows whether it was posted.
                waiting.looked = False
                self._delivery.post(call, letter, form)
            case "chat.update":
                self._delivery.edit(call, letter, form)
            case _:
                waiting.looked = not self._delivery.look(call, letter)
                return
        waiting.failures = 0
        self._done(waiting, letter)

    def _unblock(self, why: Blocked, waiting: Waiting, letter: Letter) -> None:
        if why == "nothing to do":
            self._done(waiting, letter)
        elif why == "unknown channel" and self._channels.ask(letter.channel) is None:
            self._later(waiting, LONGEST_BACKOFF / 2, f"the app sees no channel #{letter.channel}; invite it there")

    def _done(self, waiting: Waiting, letter: Letter) -> None:
        with self._changed:
            if waiting.letter is letter:
                self._waiting.pop(letter.record, None)

    def _form(self, waiting: Waiting, letter: Letter) -> int:
        skip_rich = not self._rich_blocks and bool(letter.message.plain_blocks)
        return max(waiting.form, 1 if skip_rich else 0)

    def _failed(self, waiting: Waiting, call: Call | Blocked, error: Exception) -> None:
        posting = isinstance(call, Call) and call.method == "chat.postMessage"
        match failure(error):
            case RateLimited(seconds):
                waiting.looked = posting
                if isinstance(call, Call):
                    self._pace.hold(call.method, call.channel, self._clock() + seconds)
                self._later(waiting, seconds, "Slack asks to wait")
            case Uncertain(reason):
                waiting.failures += 1
                self._later(waiting, min(UNCERTAIN_SECONDS * 2 ** (waiting.failures - 1), LONGEST_BACKOFF), reason)
            case RefusedBySlack(code):
                # Nothing was posted; and where looking is not allowed, there is no use in trying it again.
                waiting.looked = True
                self._refused(waiting, call, code)

    def _refused(self, waiting: Waiting, call: Call | Blocked, code: str) -> None:
        letter = waiting.letter
        method = call.method if isinstance(call, Call) else ""
        form = self._form(waiting, letter)
        if method.startswith("conversations."):
            log.warning("Slack does not let me look for a card, it is posted anew", record=letter.record, error=code)
        elif code in _BLOCKS_REFUSED and form + 1 < len(letter.message.forms()):
            log.warning("Slack refuses these blocks, plainer ones are tried", record=letter.record, error=code)
            self._rich_blocks = self._rich_blocks and not (form == 0 and letter.message.plain_blocks)
            waiting.form = form + 1
        elif code in _GONE and isinstance(call, Call) and method == "chat.update":
            self._delivery.is_gone(call, letter)
        elif code in _FOR_A_PERSON:
            self._later(waiting, LONGEST_BACKOFF, code)
        else:
            log.error("Slack does not take a message, it is given up", record=letter.record, error=code)
            self._done(waiting, letter)

    def _later(self, waiting: Waiting, seconds: float, reason: str) -> None:
        waiting.not_before = self._clock() + seconds
        log.warning("a message waits", record=waiting.letter.record, seconds=round(seconds, 1), reason=reason)
