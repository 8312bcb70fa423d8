"""Answers to intents, on their way to the person who asked, and to nobody else; their files go to the channel."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from slack_sdk import WebClient

from bot.clients import webhook_client
from bot.slack_errors import CALL_ERRORS, RateLimited, RefusedBySlack, Uncertain, failure
from bot.text import split
from gitops.intents import attachment_of, delivered
from gitops.store import Following, Store
from model import keys
from model.errors import Refused
from model.operation import Intent

log = structlog.get_logger()

# Slack shows about this many characters of a message before it asks to unfold it.
PART_CHARACTERS = 3800
# A response_url can be used five times within half an hour.
RESPONSE_URL_SECONDS = 29 * 60.0
RESPONSE_URL_USES = 5
# An answer that could not be brought for so long interests nobody any more.
GIVE_UP_SECONDS = 6 * 3600.0
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
STOP_SECONDS = 12.0
ALT_CHARACTERS = 1000

_OUTSIDE = ":warning: The file cannot be posted here, where I am not; `/invite @flstr` and ask again."
_FILE_REFUSED = {
    "not_in_channel": _OUTSIDE,
    "channel_not_found": _OUTSIDE,
    "missing_scope": ":warning: The file needs the scope files:write; install the app again from its manifest.",
}


@dataclass
class OnItsWay:
    """An answer, and the parts of it that are still to be sent; a file is the last one."""

    intent: Intent
    parts: list[str]
    file: bool = False
    not_before: float = 0.0
    failures: int = 0
    used: int = 0
    url_is_dead: bool = False


class Answers:
    """Follows the intents; one thread sends. An answer may come twice after a crash, but it does come."""

    def __init__(
        self,
        store: Store,
        client: WebClient,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._client = client
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
            parts = [part for part in split(intent.answer, PART_CHARACTERS) if part.strip()]
            self._on_their_way.setdefault(intent.id, OnItsWay(intent, parts, intent.attached))
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
        try:
            if answer.parts:
                self._send(answer, answer.parts[0])
                answer.parts.pop(0)
                answer.failures = 0
            elif answer.file:
                self._upload(answer.intent)
                answer.file = False
            else:
                delivered(self._store, answer.intent)
                self._forget(answer)
        except Refused as refused:
            self._later(answer, FIRST_RETRY_SECONDS, refused.sentence)
        except CALL_ERRORS as error:
            self._failed(answer, error)
        except Exception:
            log.exception("an answer could not be sent", intent=answer.intent.id)
            self._later(answer, LONGEST_RETRY_SECONDS, "an unexpected error")

    def _send(self, answer: OnItsWay, text: str) -> None:
        asker = answer.intent.asker
        if self._may_use_url(answer):
            answer.used += 1
            sent = webhook_client(asker.response_url).send(
                text=text, response_type="ephemeral", replace_original=False, unfurl_links=False
            )
            if sent.status_code == 200:
                return
            answer.url_is_dead = True
        self._client.chat_postEphemeral(channel=asker.channel, user=asker.user, text=text)

    def _upload(self, intent: Intent) -> None:
        """Post the file where it was asked for. Slack has no files for one person only."""
        attachment = attachment_of(self._store, intent)
        if attachment is None:
            return
        self._client.files_upload_v2(
            channel=intent.asker.channel,
            filename=attachment.name,
            title=attachment.title,
            alt_txt=attachment.alt[:ALT_CHARACTERS],
            content=attachment.content,
        )

    def _may_use_url(self, answer: OnItsWay) -> bool:
        young = self._clock() - answer.intent.asked < RESPONSE_URL_SECONDS
        unused = answer.used < RESPONSE_URL_USES and not answer.url_is_dead
        return bool(answer.intent.asker.response_url) and young and unused

    def _failed(self, answer: OnItsWay, error: Exception) -> None:
        match failure(error):
            case RateLimited(seconds):
                self._later(answer, seconds, "Slack asks to wait")
            case Uncertain(reason):
                answer.failures += 1
                pause = min(FIRST_RETRY_SECONDS * 2 ** (answer.failures - 1), LONGEST_RETRY_SECONDS)
                self._later(answer, pause, reason)
            case RefusedBySlack(code) if answer.file and not answer.parts:
                log.warning("Slack does not take a file", intent=answer.intent.id, error=code)
                sentence = _FILE_REFUSED.get(code, f":warning: Slack does not take the file ({code}).")
                answer.parts, answer.file = [sentence], False
            case RefusedBySlack(code):
                log.error("Slack does not take an answer, it is given up", intent=answer.intent.id, error=code)
                answer.parts, answer.file = [], False

    def _later(self, answer: OnItsWay, seconds: float, reason: str) -> None:
        if self._clock() - answer.intent.asked > GIVE_UP_SECONDS:
            log.error("an answer is given up", intent=answer.intent.id, reason=reason)
            answer.parts, answer.file = [], False
        answer.not_before = self._clock() + seconds
        log.warning("an answer waits", intent=answer.intent.id, seconds=round(seconds, 1), reason=reason)

    def _forget(self, answer: OnItsWay) -> None:
        with self._changed:
            self._on_their_way.pop(answer.intent.id, None)
