"""What Slack tells us: a command or a click is written to etcd as an intent, then acknowledged; no more than that."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from typing import Any

import structlog
from slack_bolt import Ack, App

from bot import help as help_of_verbs
from bot.actions import APPROVE, DENY
from bot.approving import Approving
from bot.clients import webhook_client
from bot.intent_ids import intent_id
from bot.parser import Command, Refusal, parse
from bot.slack_errors import CALL_ERRORS
from gitops.intents import submit
from gitops.store import Store
from model.errors import Refused
from model.mrkdwn import escape
from model.operation import Asker, Intent

log = structlog.get_logger()

# Slack gives a listener three seconds.
ETCD_SECONDS = 1.5
WRITERS = 16
NOT_TAKEN = (
    ":warning: etcd does not answer, so nothing may have come of this; look at `/flstr status` before you repeat it."
)

Json = dict[str, Any]


class Listeners:
    """Writes before it acknowledges: what a person was told is being done survives a crash."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._approving = Approving(self._submit, clock)
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="slack intent")

    def register(self, app: App) -> None:
        """Listen to `/flstr` and the approval buttons."""
        app.command(help_of_verbs.SLASH)(self.command)
        app.action(APPROVE)(self.click)
        app.action(DENY)(self.click)
        self._approving.register(app)

    def stop(self) -> None:
        """Write no more."""
        self._writers.shutdown(wait=False, cancel_futures=True)
        self._approving.stop()

    def command(self, ack: Ack, body: Json) -> None:
        """`/flstr …`: refusals and help are the acknowledgement itself."""
        parsed = parse(body.get("text") or "")
        if isinstance(parsed, Refusal):
            ack(f":warning: {escape(_sentence(parsed.sentence))}")
        elif parsed.verb.name == "help":
            ack(help_of_verbs.answer(parsed.arguments))
        elif self._submit(command_intent(parsed, body, self._clock())):
            ack(f":hourglass_flowing_sand: {escape(parsed.words)} …")
        else:
            ack(NOT_TAKEN)

    def click(self, ack: Ack, body: Json) -> None:
        """Approve or Deny: whether this person may is the worker's to decide, and to answer."""
        intent = click_intent(body, self._clock())
        taken = self._submit(intent)
        ack()
        if not taken:
            threading.Thread(target=_tell, args=(intent.asker.response_url, NOT_TAKEN), daemon=True).start()

    def _submit(self, intent: Intent) -> bool:
        writing: Future[bool] = self._writers.submit(submit, self._store, intent)
        try:
            new = writing.result(timeout=ETCD_SECONDS)
        except (Refused, TooSlow) as error:
            writing.cancel()
            log.warning("an intent could not be written", verb=intent.verb, error=str(error) or type(error).__name__)
            return False
        log.info("intent", id=intent.id, verb=intent.verb, user=intent.asker.user, delivered_twice=not new)
        return True


def command_intent(command: Command, body: Json, now: float) -> Intent:
    """The intent of a slash command; Slack gives each a trigger_id of its own, and repeats it with the delivery."""
    asker = Asker(
        place="slack",
        user=body["user_id"],
        channel=body.get("channel_id", ""),
        channel_name=body.get("channel_name", ""),
        response_url=body.get("response_url", ""),
    )
    return Intent(
        id=intent_id("command", body["trigger_id"]),
        verb=command.verb.name,
        arguments=command.arguments,
        words=f"{help_of_verbs.SLASH} {command.words}",
        asker=asker,
        asked=now,
    )


def click_intent(body: Json, now: float) -> Intent:
    """The intent of a click; action_ts is the same in every delivery of it."""
    action = body["actions"][0]
    verb = {APPROVE: "approve", DENY: "deny"}[action["action_id"]]
    user, approval = body["user"]["id"], action["value"]
    channel = body.get("channel") or {}
    return Intent(
        id=intent_id("click", action["action_ts"], user, approval),
        verb=verb,
        arguments=(approval,),
        words=f"{verb} button",
        asker=Asker(
            place="slack",
            user=user,
            channel=channel.get("id", ""),
            channel_name=channel.get("name", ""),
            response_url=body.get("response_url", ""),
        ),
        asked=now,
    )


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def _tell(response_url: str, text: str) -> None:
    try:
        webhook_client(response_url).send(text=text, response_type="ephemeral", replace_original=False)
    except CALL_ERRORS as error:
        log.warning("a person could not be told", error=str(error))
