"""What Slack tells us: a command, a mention or a click is written to etcd as an intent, then acknowledged."""

import re
from collections.abc import Callable
from typing import Any

import structlog
from slack_bolt import Ack, App

from bot import help as help_of_verbs
from bot.actions import APPROVE, DENY, LEAVE, RUN_LINE
from bot.approvals.window import Approving
from bot.asking import (
    click_asker,
    click_intent,
    command_asker,
    command_intent,
    line_intent,
    mention_asker,
    mention_id,
    mention_intent,
    said,
)
from bot.intake import Intake
from bot.mentions import Mention, mention_of
from bot.modal.form import form_of_line
from bot.modal.listening import Modals
from bot.offers import offer, typed
from bot.parser import Refusal, parse
from model import keys
from model.mrkdwn import escape
from model.operation import Intent

log = structlog.get_logger()

NOT_TAKEN = (
    ":warning: etcd does not answer, so nothing may have come of this; look at `/flstr status` before you repeat it."
)
LEFT = "Left as it is."
UNKNOWN = ":warning: This button is from another flstr than the one that runs now; type the command instead."

Json = dict[str, Any]


class NotTakenError(Exception):
    """An event that could not be written: without an acknowledgement, Slack delivers it again."""


class Listeners:
    """Writes before it acknowledges: what a person was told is being done survives a crash."""

    def __init__(self, intake: Intake, modals: Modals, on_mention: Callable[[Mention], None] = lambda _: None) -> None:
        self._intake = intake
        self._modals = modals
        self._on_mention = on_mention
        self._approving = Approving(intake)

    def register(self, app: App) -> None:
        """Listen to everything that people do; whatever knows an action by name has to be registered before."""
        app.command(help_of_verbs.SLASH)(self.command)
        app.event("app_mention")(self.mention)
        app.event("app_home_opened")(self.home)
        app.action(APPROVE)(self.click)
        app.action(DENY)(self.click)
        app.action(RUN_LINE)(self.run_line)
        app.action(LEAVE)(self.leave)
        self._approving.register(app)
        self._modals.register(app)
        app.action(re.compile(".*"))(self.unknown)

    def command(self, ack: Ack, body: Json) -> None:
        """`/flstr …`: refusals and help are the acknowledgement itself."""
        line = body.get("text") or ""
        form = form_of_line(line)
        if form is not None:
            ack()
            self._modals.open(body["trigger_id"], form, command_asker(body))
            return
        parsed = parse(line)
        if isinstance(parsed, Refusal):
            text, instead = _refused(parsed), _instead(parsed)
            ack(text=typed(text, instead), blocks=list(offer(text, instead))) if instead else ack(text)
        elif parsed.verb.name == "help":
            ack(help_of_verbs.answer(parsed.arguments))
        elif self._intake.take(command_intent(parsed, body, self._intake.clock())):
            ack(f":hourglass_flowing_sand: {escape(parsed.words)} …")
        else:
            ack(NOT_TAKEN)

    def mention(self, body: Json, context: Json) -> None:
        """`@flstr …` in a channel; Slack acknowledges by itself what does not raise."""
        event = body["event"]
        mention = mention_of(event, event.get("channel") or "", str(context.get("bot_user_id") or ""))
        if mention is None:
            return
        if not self._intake.take(intent_of(mention, self._intake.clock())):
            self._intake.tell(mention_asker(mention), NOT_TAKEN)
            raise NotTakenError("an event is not acknowledged, so that it comes again")
        self._intake.aside(lambda: self._on_mention(mention))

    def home(self, body: Json) -> None:
        """Somebody opened App Home: what stands there is kept current from now on."""
        user = body["event"].get("user") or ""
        if body["event"].get("tab", "home") != "home" or not user:
            return
        opened = str(self._intake.clock())

        def note() -> bool:
            self._intake.store.put(keys.home(user), opened)
            return True

        if self._intake.in_time(note) is None:
            raise NotTakenError("an event is not acknowledged, so that it comes again")

    def click(self, ack: Ack, body: Json) -> None:
        """Approve or Deny: whether this person may is the worker's to decide, and to answer."""
        self._take_click(click_intent(body, self._intake.clock()))
        ack()

    def run_line(self, ack: Ack, body: Json) -> None:
        """The line that was offered, as if this person had typed it; the question gives way to what is being done."""
        asker, line = click_asker(body), str(body["actions"][0].get("value") or "")
        parsed = parse(line)
        if isinstance(parsed, Refusal):
            self._intake.tell(asker, _refused(parsed), replace=True)
        elif parsed.verb.name == "help":
            self._intake.tell(asker, help_of_verbs.answer(parsed.arguments), replace=True)
        elif self._take_click(line_intent(parsed, body, self._intake.clock())):
            self._intake.tell(asker, f":hourglass_flowing_sand: {escape(parsed.words)} …", replace=True)
        ack()

    def leave(self, ack: Ack, body: Json) -> None:
        """Nothing comes of what was offered."""
        self._intake.tell(click_asker(body), LEFT, replace=True)
        ack()

    def unknown(self, ack: Ack, body: Json) -> None:
        """A button that nobody listens to any more, or not yet."""
        log.warning("an unknown action", action=body["actions"][0].get("action_id"), user=body["user"]["id"])
        self._intake.tell(click_asker(body), UNKNOWN)
        ack()

    def _take_click(self, intent: Intent) -> bool:
        taken = self._intake.take(intent)
        if not taken:
            self._intake.tell(intent.asker, NOT_TAKEN)
        return taken


def intent_of(mention: Mention, now: float) -> Intent:
    """What becomes of a mention: what a command would, and a sentence where it is none, or comes too late. Pure."""

    def answered(text: str, instead: str = "") -> Intent:
        return said(mention_id(mention), mention_asker(mention), f"@flstr {mention.line}", text, now, instead)

    if mention.is_old(now):
        return answered(f"I was away when you wrote `{escape(_short(mention.line))}`; say it again.", mention.line)
    parsed = parse(mention.line)
    if isinstance(parsed, Refusal):
        return answered(_refused(parsed), _instead(parsed))
    if parsed.verb.name == "help":
        return answered(help_of_verbs.answer(parsed.arguments))
    return mention_intent(parsed, mention, now)


def _short(line: str) -> str:
    return " ".join(line.replace("`", " ").split())[:100]


def _refused(refusal: Refusal) -> str:
    sentence = refusal.sentence
    return f":warning: {escape(sentence if sentence.endswith('?') else f'{sentence}.')}"


def _instead(refusal: Refusal) -> str:
    return str(getattr(refusal, "instead", ""))
