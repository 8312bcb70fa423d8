"""Answers to intents, on their way to the person who asked, and to nobody else; their files go to the channel."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from slack_sdk import WebClient

from bot.clients import webhook_client
from bot.pace import Method, Pace
from bot.replies import ChannelFile, DirectFile, Piece, Words, pieces
from bot.shown import Cards
from bot.slack_errors import CALL_ERRORS, RateLimited, RefusedBySlack, Uncertain, failure
from bot.text import fit
from bot.uploads import Upload, Uploads
from gitops.etcd_following import Following
from gitops.intents import attachment_of, delivered
from gitops.store import Store
from model import keys
from model.errors import Refused
from model.operation import Intent, Operation

log = structlog.get_logger()

# A response_url can be used five times within half an hour.
RESPONSE_URL_SECONDS = 29 * 60.0
RESPONSE_URL_USES = 5
# An answer that could not be brought for so long interests nobody any more.
GIVE_UP_SECONDS = 6 * 3600.0
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
STOP_SECONDS = 12.0
ALT_CHARACTERS = 1000

# Where flstr was not invited, an answer comes in the direct messages of whoever asked.
_NOT_HERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived"})
_OUTSIDE = ":warning: The file cannot be posted here, where I am not; `/invite @flstr` and ask again."
_FILE_REFUSED = {
    "not_in_channel": _OUTSIDE,
    "channel_not_found": _OUTSIDE,
    "missing_scope": ":warning: The file needs the scope files:write; install the app again from its manifest.",
}


@dataclass
class OnItsWay:
    """An answer, and what of it is still to be sent: None before that was worked out."""

    intent: Intent
    left: list[Piece] | None = None
    not_before: float = 0.0
    failures: int = 0
    used: int = 0
    url_is_dead: bool = False
    direct: str = ""
    # Whether flstr cannot speak where it was asked.
    outside: bool = False

    def record(self, name: str) -> str:
        """What a file of it is noted as."""
        return f"answer/{self.intent.id}/{name}"


@dataclass(frozen=True)
class _Turn:
    """The next call for an answer; the method is None where it has no budget."""

    method: Method | None
    make: Callable[[], bool]
    channel: str = ""
    upload: Upload | None = None


class Answers:
    """Follows the intents; one thread sends. Words may come twice after a crash, but they do come; files come once."""

    def __init__(
        self,
        store: Store,
        client: WebClient,
        cards: Cards,
        pace: Pace,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._client = client
        self._cards = cards
        self._pace = pace
        self._uploads = Uploads(client, cards)
        self._clock = clock
        self._on_their_way: dict[str, OnItsWay] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._following: Following | None = None
        self._thread = threading.Thread(target=self._run, name="slack answers", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._following = self._store.follow(keys.INTENTS, self._heard)
        self._thread.start()

    def stop(self) -> None:
        """Send no more; what was not delivered is sent after the next start."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._following is not None:
            self._following.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def _heard(self, _key: str, value: str | None) -> None:
        intent = None if value is None else Intent.model_validate_json(value)
        if intent is None or intent.status != "answered" or intent.asker.place != "slack" or intent.asker.view:
            return
        with self._changed:
            self._on_their_way.setdefault(intent.id, OnItsWay(intent))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                now = self._clock()
                due = [one for one in self._on_their_way.values() if one.not_before <= now]
                if not due:
                    waits = [one.not_before - now for one in self._on_their_way.values()]
                    self._changed.wait(timeout=min(waits, default=None))
                    continue
            self._advance(min(due, key=lambda one: (one.not_before, one.intent.asked)))

    def _advance(self, answer: OnItsWay) -> None:
        turn: _Turn | None = None
        try:
            if answer.left is None:
                answer.left = pieces(answer.intent, self._link(answer.intent))
            turn = self._turn(answer, answer.left[0]) if answer.left else None
            if turn is None:
                delivered(self._store, answer.intent)
                self._cards.forget_under(f"answer/{answer.intent.id}/")
                self._forget(answer)
            elif not self._waits(answer, turn.method, turn.channel) and turn.make():
                answer.left = answer.left[1:]
                answer.failures = 0
        except Refused as refused:
            self._later(answer, FIRST_RETRY_SECONDS, refused.sentence)
        except CALL_ERRORS as error:
            self._failed(answer, turn, error)
        except Exception:
            log.exception("an answer could not be sent", intent=answer.intent.id)
            self._later(answer, LONGEST_RETRY_SECONDS, "an unexpected error")

    def _turn(self, answer: OnItsWay, piece: Piece) -> _Turn:
        """The next call for a piece; `make` says whether the piece is done with it."""
        match piece:
            case Words():
                return self._saying(answer, piece)
            case DirectFile() if not answer.direct:
                return _Turn("conversations.open", lambda: self._open(answer))
            case DirectFile():
                record = answer.record(piece.name)
                return self._uploading(Upload(record, answer.direct, piece.name, piece.title, piece.content))
            case ChannelFile():
                attachment = attachment_of(self._store, answer.intent)
                if attachment is None:
                    return _Turn(None, lambda: True)
                return self._uploading(
                    Upload(
                        answer.record(attachment.name),
                        answer.intent.asker.channel,
                        attachment.name,
                        attachment.title,
                        attachment.content,
                        attachment.alt[:ALT_CHARACTERS],
                        answer.intent.asked,
                    )
                )

    def _saying(self, answer: OnItsWay, words: Words) -> _Turn:
        if self._may_use_url(answer):
            return _Turn(None, lambda: self._respond(answer, words))
        if not answer.outside and answer.intent.asker.channel:
            return _Turn("chat.postEphemeral", lambda: self._whisper(answer, words))
        if not answer.direct:
            return _Turn("conversations.open", lambda: self._open(answer))
        return _Turn("chat.postMessage", lambda: self._say(answer, words), answer.direct)

    def _uploading(self, upload: Upload) -> _Turn:
        if self._uploads.is_doubtful(upload):
            return _Turn("conversations.history", lambda: self._uploads.look(upload), upload.channel, upload)
        return _Turn("files.upload", lambda: self._uploads.make(upload), upload.channel, upload)

    def _waits(self, answer: OnItsWay, method: Method | None, channel: str) -> bool:
        """Whether the call has to wait for its turn; it is counted if not."""
        if method is None:
            return False
        now = time.monotonic()
        at = self._pace.ready_at(method, channel, now)
        if at > now:
            answer.not_before = self._clock() + at - now
        else:
            self._pace.made(method, channel, now)
        return at > now

    def _respond(self, answer: OnItsWay, words: Words) -> bool:
        answer.used += 1
        sent = webhook_client(answer.intent.asker.response_url).send(
            **words.arguments(), response_type="ephemeral", replace_original=False, unfurl_links=False
        )
        answer.url_is_dead = sent.status_code != 200
        return not answer.url_is_dead

    def _whisper(self, answer: OnItsWay, words: Words) -> bool:
        asker = answer.intent.asker
        self._client.chat_postEphemeral(channel=asker.channel, user=asker.user, **words.arguments())
        return True

    def _say(self, answer: OnItsWay, words: Words) -> bool:
        self._client.chat_postMessage(
            channel=answer.direct, unfurl_links=False, unfurl_media=False, **words.arguments()
        )
        return True

    def _open(self, answer: OnItsWay) -> bool:
        answer.direct = str(self._client.conversations_open(users=answer.intent.asker.user)["channel"]["id"])
        return False

    def _link(self, intent: Intent) -> str:
        """The operation that an answer is about, with the way to its card."""
        text = self._store.get(keys.operation(intent.operation)) if intent.operation else None
        if text is None:
            return ""
        title = fit(Operation.model_validate_json(text).plan.title, 200).replace("|", "/")
        url = self._permalink(intent.operation)
        return f":link: <{url}|{title}>" if url else f":link: *{title}*"

    def _permalink(self, record: str) -> str:
        card = self._cards.get(record)
        now = time.monotonic()
        if card is None or not card.ts or self._pace.ready_at("chat.getPermalink", "", now) > now:
            return ""
        self._pace.made("chat.getPermalink", "", now)
        try:
            return str(self._client.chat_getPermalink(channel=card.channel, message_ts=card.ts).get("permalink") or "")
        except CALL_ERRORS as error:
            log.warning("Slack gives no link to a card", record=record, error=str(error)[:200])
            return ""

    def _may_use_url(self, answer: OnItsWay) -> bool:
        young = self._clock() - answer.intent.asked < RESPONSE_URL_SECONDS
        unused = answer.used < RESPONSE_URL_USES and not answer.url_is_dead
        return bool(answer.intent.asker.response_url) and young and unused

    def _failed(self, answer: OnItsWay, turn: _Turn | None, error: Exception) -> None:
        match failure(error):
            case RateLimited(seconds):
                if turn is not None and turn.method is not None:
                    self._pace.hold(turn.method, turn.channel, time.monotonic() + seconds)
                    self._not_uploaded(turn)
                self._later(answer, seconds, "Slack asks to wait")
            case Uncertain(reason):
                answer.failures += 1
                pause = min(FIRST_RETRY_SECONDS * 2 ** (answer.failures - 1), LONGEST_RETRY_SECONDS)
                self._later(answer, pause, reason)
            case RefusedBySlack(code):
                self._not_uploaded(turn)
                if turn is None or turn.method != "conversations.history":
                    self._refused(answer, code)

    def _not_uploaded(self, turn: _Turn | None) -> None:
        """Nothing came of it; or Slack lets nobody look, and there is no use in trying that again."""
        if turn is not None and turn.upload is not None:
            try:
                self._uploads.is_not_there(turn.upload.record)
            except Refused as refused:
                log.warning("it is not noted that a file did not come", reason=refused.sentence)

    def _refused(self, answer: OnItsWay, code: str) -> None:
        log.warning("Slack does not take a part of an answer", intent=answer.intent.id, error=code)
        match answer.left:
            case [Words(), *_] if code in _NOT_HERE and not answer.outside:
                answer.outside = True
            case [DirectFile() as file, Words(), *rest]:
                answer.left = [*file.instead, *rest]
            case [ChannelFile(), *rest]:
                sentence = _FILE_REFUSED.get(code, f":warning: Slack does not take the file ({code}).")
                answer.left = [Words(sentence), *rest]
            case [Words(text=text, blocks=blocks), *rest] if blocks:
                answer.left = [Words(text), *rest]
            case _:
                log.error("an answer is given up", intent=answer.intent.id, error=code)
                answer.left = []

    def _later(self, answer: OnItsWay, seconds: float, reason: str) -> None:
        if self._clock() - answer.intent.asked > GIVE_UP_SECONDS:
            log.error("an answer is given up", intent=answer.intent.id, reason=reason)
            answer.left = []
        answer.not_before = self._clock() + seconds
        log.warning("an answer waits", intent=answer.intent.id, seconds=round(seconds, 1), reason=reason)

    def _forget(self, answer: OnItsWay) -> None:
        with self._changed:
            self._on_their_way.pop(answer.intent.id, None)
