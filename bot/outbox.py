"""What flstr shows in channels leaves here: read late, so that the newest state wins, and within Slack's limits."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from bot.channels import Channels
from bot.delivery import Blocked, Call, Delivery, Home, Letter
from bot.news import News, Try, Waiting
from bot.pace import Pace, Rank
from bot.shown import Cards
from bot.slack_errors import CALL_ERRORS, RateLimited, RefusedBySlack, Uncertain, failure
from model.errors import Refused

log = structlog.get_logger()

NEVER = float("inf")
STOP_SECONDS = 15.0
# How long a stop may take to say what pauses.
LAST_SECONDS = 5.0
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


class Outbox:
    """One thread that reads and sends; whoever says that something is out of date never waits."""

    def __init__(
        self,
        delivery: Delivery,
        cards: Cards,
        channels: Channels,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        self._delivery = delivery
        self._cards = cards
        self._channels = channels
        self._clock = clock
        self._pace = pace or Pace()
        self._waiting: dict[str, Waiting] = {}
        self._rich_blocks = True
        self._changed = threading.Condition()
        self._hushed = self._sending = False
        self._ends: float | None = None
        self._thread = threading.Thread(target=self._run, name="slack outbox", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def hush(self) -> None:
        """Send nothing more but what `stop` is given; returns once no call is under way."""
        with self._changed:
            self._hushed = True
            self._waiting = {}
            self._changed.notify()
            self._changed.wait_for(lambda: not self._sending, timeout=STOP_SECONDS)

    def stop(self, last: Iterable[News] = ()) -> None:
        """Send `last` as far as there is time, and nothing more; what waits is in etcd, for the next start."""
        with self._changed:
            self._hushed = True
            now = self._clock()
            self._waiting = {news.record: Waiting(news, now) for news in last}
            self._ends = now + LAST_SECONDS
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def put(self, news: News) -> None:
        """Have a record shown as it is by then; it is read once, however often it changes until its turn comes."""
        with self._changed:
            if self._hushed:
                return
            now = self._clock()
            waiting = self._waiting.get(news.record)
            if waiting is None:
                self._waiting[news.record] = Waiting(news, now)
            else:
                waiting.changed(news, now)
            self._changed.notify()

    def publish(self, user: str, read: Callable[[], dict[str, Any] | None]) -> None:
        """Have a Slack user's home tab shown as `read` gives it by then; None leaves it as it is."""
        record = f"home/{user}"

        def home() -> list[Letter | Home]:
            view = read()
            return [] if view is None else [Home(record, user, view)]

        self.put(News(record, home, rank=Rank.PERSON))

    def step(self) -> float:
        """Make at most one call; returns the seconds until there may be another one (`inf`: once something is put)."""
        now = self._clock()
        # Not with the lock: while etcd is away, the cards keep whoever asks waiting.
        under_way = len(self._cards.under_way())
        with self._changed:
            ready = [(self._ready_at(waiting, now, under_way), waiting) for waiting in self._waiting.values()]
        due = [waiting for at, waiting in ready if at <= now]
        if not due:
            return min((at for at, _ in ready), default=NEVER) - now
        # What is as old is posted before something else is edited.
        waiting = min(due, key=lambda one: (one.news.rank, int(one.since), self._stands(one.news.record), one.since))
        with self._changed:
            if self._waiting.get(waiting.news.record) is not waiting:
                return 0.0
            self._sending = True
        try:
            self._turn(waiting)
        finally:
            with self._changed:
                self._sending = False
                self._changed.notify_all()
        return 0.0

    def _run(self) -> None:
        while True:
            try:
                seconds = self.step()
                self._cards.save()
            except Exception:
                # Nothing would ever be sent again.
                log.exception("a step of the outbox broke")
                seconds = UNCERTAIN_SECONDS
            with self._changed:
                if self._ends is not None and (not self._waiting or self._clock() + max(seconds, 0.0) > self._ends):
                    return
                if seconds > 0:
                    self._changed.wait(timeout=min(seconds, SAVE_SECONDS))

    def _stands(self, record: str) -> bool:
        card = self._cards.get(record)
        return card is not None and bool(card.ts)

    def _ready_at(self, waiting: Waiting, now: float, under_way: int) -> float:
        news = waiting.news
        if waiting.letters:
            letter = waiting.letters[0]
            attempt = waiting.trying(letter)
            call = self._delivery.next_call(letter, self._form(attempt, letter), looked=attempt.looked)
        elif news.record.startswith("home/"):
            call = Call("views.publish", "")
        else:
            call = self._delivery.guess(news.record, news.channel, news.parent.record if news.parent else None)
        if call == "unknown channel":
            return max(self._pace.ready_at("conversations.list", "", now), waiting.not_before)
        if not isinstance(call, Call):
            return NEVER if call == "waits for its card" else waiting.not_before
        at = self._pace.ready_at(
            call.method, call.channel, now, rank=news.rank, record=news.record, under_way=under_way
        )
        return max(at, waiting.not_before)

    def _turn(self, waiting: Waiting) -> None:
        """Read what is out of date, and send the first letter of it that may be sent now."""
        try:
            letters = self._read(waiting) if waiting.letters is None else waiting.letters
        except Refused as refused:
            self._later(waiting, UNCERTAIN_SECONDS, refused.sentence)
            return
        except Exception:
            log.exception("what is out of date could not be read", record=waiting.news.record)
            self._later(waiting, LONGEST_BACKOFF, "an unexpected error")
            return
        if not letters:
            self._done(waiting, None)
        elif self._may_go(waiting):
            self._send(waiting, letters[0])

    def _read(self, waiting: Waiting) -> list[Letter | Home]:
        with self._changed:
            # What changes from here on is newer than what is read.
            waiting.letters, waiting.read_version = [], waiting.version
            news = waiting.news
        letters: list[Letter | Home] | None = None
        try:
            letters = [letter for letter in news.read() if not self._is_shown(letter)]
            return letters
        finally:
            with self._changed:
                waiting.letters = letters

    def _may_go(self, waiting: Waiting) -> bool:
        """Whether the call that is wanted, now that it is known, may be made at once."""
        now, under_way = self._clock(), len(self._cards.under_way())
        with self._changed:
            may = self._ready_at(waiting, now, under_way) <= now
            if not may and waiting.version != waiting.read_version:
                waiting.letters = None
        return may

    def _is_shown(self, letter: Letter | Home) -> bool:
        return isinstance(letter, Letter) and self._delivery.next_call(letter, 0, looked=False) == "nothing to do"

    def _send(self, waiting: Waiting, letter: Letter | Home) -> None:
        attempt = waiting.trying(letter)
        form = self._form(attempt, letter)
        call = self._delivery.next_call(letter, form, looked=attempt.looked)
        try:
            if not isinstance(call, Call):
                self._unblock(call, waiting, letter)
                return
            self._pace.made(call.method, call.channel, self._clock(), rank=waiting.news.rank, record=letter.record)
            if self._make(call, letter, attempt, form):
                attempt.failures = 0
                self._done(waiting, letter)
        except Refused as refused:
            self._later(waiting, UNCERTAIN_SECONDS, refused.sentence)
        except CALL_ERRORS as error:
            self._failed(waiting, letter, call, error)
        except Exception:
            log.exception("a message could not be sent", record=letter.record)
            self._later(waiting, LONGEST_BACKOFF, "an unexpected error")

    def _make(self, call: Call, letter: Letter | Home, attempt: Try, form: int) -> bool:
        """Make a call; says whether the letter is where it should be."""
        if isinstance(letter, Home):
            self._delivery.publish(letter)
            return True
        match call.method:
            case "chat.postMessage" | "files.upload":
                # Until an answer came, nobody knows whether it was posted.
                attempt.looked = False
                if call.method == "files.upload" and letter.file is not None:
                    self._delivery.upload(call, letter, letter.file)
                else:
                    self._delivery.post(call, letter, form)
            case "chat.update":
                self._delivery.edit(call, letter, form)
            case _:
                attempt.looked = not self._delivery.look(call, letter)
                return False
        return True

    def _unblock(self, why: Blocked, waiting: Waiting, letter: Letter | Home) -> None:
        if why == "nothing to do":
            self._done(waiting, letter)
        elif why == "unknown channel" and isinstance(letter, Letter):
            self._pace.made("conversations.list", "", self._clock())
            if self._channels.ask(letter.channel) is None:
                self._later(waiting, LONGEST_BACKOFF / 2, f"the app sees no channel #{letter.channel}; invite it there")

    def _done(self, waiting: Waiting, letter: Letter | Home | None) -> None:
        """Go on with what is left, or with what has changed meanwhile."""
        with self._changed:
            if waiting.letters and waiting.letters[0] is letter:
                waiting.letters = waiting.letters[1:]
            if waiting.version != waiting.read_version:
                waiting.letters, waiting.since = None, waiting.newer_since
            elif not waiting.letters and self._waiting.get(waiting.news.record) is waiting:
                self._waiting.pop(waiting.news.record)

    def _form(self, attempt: Try, letter: Letter | Home) -> int:
        if isinstance(letter, Home):
            return 0
        skip_rich = not self._rich_blocks and bool(letter.message.plain_blocks)
        return max(attempt.form, 1 if skip_rich else 0)

    def _failed(self, waiting: Waiting, letter: Letter | Home, call: Call | Blocked, error: Exception) -> None:
        attempt = waiting.trying(letter)
        match failure(error):
            case RateLimited(seconds):
                attempt.looked = isinstance(call, Call) and call.method in ("chat.postMessage", "files.upload")
                method, channel = (call.method, call.channel) if isinstance(call, Call) else ("conversations.list", "")
                self._pace.hold(method, channel, self._clock() + seconds)
                self._later(waiting, seconds, "Slack asks to wait")
            case Uncertain(reason):
                attempt.failures += 1
                self._later(waiting, min(UNCERTAIN_SECONDS * 2 ** (attempt.failures - 1), LONGEST_BACKOFF), reason)
            case RefusedBySlack(code):
                # Nothing was posted; and where looking is not allowed, there is no use in trying it again.
                attempt.looked = True
                self._refused(waiting, letter, call, code)

    def _refused(self, waiting: Waiting, letter: Letter | Home, call: Call | Blocked, code: str) -> None:
        method = call.method if isinstance(call, Call) else ""
        attempt = waiting.trying(letter)
        form = self._form(attempt, letter)
        forms = letter.forms() if isinstance(letter, Letter) else 0
        plainer = method == "files.upload" or code in _BLOCKS_REFUSED
        if method.startswith("conversations."):
            log.warning("Slack does not let me look for a card, it is posted anew", record=letter.record, error=code)
        elif isinstance(letter, Letter) and code == "thread_not_found" and waiting.news.parent is not None:
            self._thread_is_gone(waiting, letter, waiting.news.parent)
        elif isinstance(letter, Letter) and plainer and form + 1 < forms:
            log.warning("Slack refuses this form, a plainer one is tried", record=letter.record, error=code)
            self._rich_blocks = self._rich_blocks and not (form == 0 and letter.message.plain_blocks)
            attempt.form = form + 1
        elif code in _GONE and isinstance(call, Call) and method == "chat.update":
            self._delivery.is_gone(letter.record, call.channel)
        elif code in _FOR_A_PERSON:
            self._later(waiting, LONGEST_BACKOFF, code)
            self._ask_anew_where(waiting, letter)
        else:
            log.error("Slack does not take a message, it is given up", record=letter.record, error=code)
            self._done(waiting, letter)

    def _ask_anew_where(self, waiting: Waiting, letter: Letter | Home) -> None:
        """What was not posted has no place yet: where it goes may be corrected until it is tried again."""
        card = self._cards.get(letter.record)
        if isinstance(letter, Letter) and card is not None and not card.ts:
            self._channels.forget(letter.channel)
            self._cards.forget(letter.record)
            with self._changed:
                waiting.letters = None

    def _thread_is_gone(self, waiting: Waiting, letter: Letter, parent: News) -> None:
        """Somebody has deleted the card: it is posted anew, and what its thread has to hear goes there."""
        card = self._cards.get(parent.record)
        if card is not None:
            self._delivery.is_gone(parent.record, card.channel)
        log.warning("a card is gone, it is posted anew", record=parent.record)
        waiting.attempt = Try(letter.record, letter.shown, looked=True)
        self.put(parent)

    def _later(self, waiting: Waiting, seconds: float, reason: str) -> None:
        waiting.not_before = self._clock() + seconds
        log.warning("a message waits", record=waiting.news.record, seconds=round(seconds, 1), reason=reason)
