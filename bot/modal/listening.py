"""The modal at work: opened in time, redrawn as things are chosen, submitted as the line that it stands for."""

import time
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk.errors import SlackApiError

from bot import help as help_of_verbs
from bot.actions import (
    CHOOSE_APP,
    CHOOSE_COMMIT,
    CHOOSE_VERB,
    MODAL,
    OPEN_MODAL,
    PREVIEW,
    TYPE_COUNT,
)
from bot.asking import action_id, click_asker, submission_intent
from bot.intake import Intake
from bot.modal import options as modal_options
from bot.modal.form import Form, commit_block, form_of_view, modal
from bot.parser import Command, parse
from bot.slack_errors import CALL_ERRORS, is_open_already
from gitops.intents import delivered, submit
from gitops.pickers import app_names, commits_of, pool_names
from gitops.registry import Registry
from gitops.rights import Rights
from model import keys
from model.commits import RecentCommits
from model.errors import Refused
from model.mrkdwn import escape
from model.operation import Asker, Intent
from model.verbs import BY_NAME

log = structlog.get_logger()

Json = dict[str, Any]

# A suggestion that comes after three seconds is not shown; etcd and Slack need some of them.
COMMITS_SECONDS = 1.2
PREVIEW_SECONDS = 20.0
PREVIEW_LOOK_SECONDS = 0.2
NOT_TAKEN = "etcd does not answer; nothing came of this, try it again"
NO_ANSWER = ":warning: Nobody answers yet: it may be that no controller leads. The modal can be submitted all the same."


class Modals:
    """Keeps nothing: what was chosen is in the view itself."""

    def __init__(self, intake: Intake, registry: Registry, rights: Rights) -> None:
        self._intake = intake
        self._registry = registry
        self._rights = rights

    def register(self, app: App) -> None:
        """Listen to the modal, and to the button that opens it."""
        app.action(OPEN_MODAL)(self.button)
        for choice in (CHOOSE_VERB, CHOOSE_APP):
            app.action(choice)(self.chosen)
        for entered in (CHOOSE_COMMIT, TYPE_COUNT):
            app.action(entered)(_noted)
        app.action(PREVIEW)(self.preview)
        app.options(CHOOSE_APP)(self.apps)
        app.options(CHOOSE_COMMIT)(self.commits)
        app.view(MODAL)(self.submitted)

    def open(self, trigger: str, form: Form, asker: Asker) -> None:
        """Open it for whoever acted just now; where that fails they get the help instead."""
        placed = replace(form, channel=asker.channel, channel_name=asker.channel_name)
        self._intake.aside(lambda: self._open(trigger, placed, asker))

    def button(self, ack: Ack, body: Json) -> None:
        """The button of App Home."""
        ack()
        self.open(body["trigger_id"], Form(), click_asker(body))

    def chosen(self, ack: Ack, body: Json) -> None:
        """What to do, or the app: other fields are asked for."""
        ack()
        form = form_of_view(body)
        self._intake.aside(lambda: self._update(body["view"], modal(form)))

    def apps(self, ack: Ack, body: Json) -> None:
        """The apps; where something is scaled, the pools as well."""
        form = form_of_view(body)

        def known() -> list[str]:
            if not self._may_pick(body):
                return []
            pools = pool_names(self._registry) if form.verb == "scale" else ()
            return [*app_names(self._intake.store), *pools]

        ack(options=modal_options.names(self._intake.in_time(known, suggests=True) or [], body.get("value") or ""))

    def commits(self, ack: Ack, body: Json) -> None:
        """The newest commits of the app that was chosen; what etcd has, where nothing newer comes in time."""
        form = form_of_view(body)

        def known() -> RecentCommits | None:
            if not self._may_pick(body):
                return None
            return commits_of(self._intake.store, form.app, COMMITS_SECONDS)

        recent = self._intake.in_time(known, suggests=True) if form.app else None
        ack(options=modal_options.commits(recent, body.get("value") or "", self._intake.clock()))

    def submitted(self, ack: Ack, body: Json) -> None:
        """The same intent as typing it; what is wrong is said at the field."""
        form = form_of_view(body)
        command = _command(form)
        if not isinstance(command, Command):
            ack(response_action="errors", errors=command)
            return
        intent = submission_intent(command, body, form.asker(body["user"]["id"]), self._intake.clock())
        if self._intake.take(intent):
            ack()
        else:
            ack(response_action="errors", errors={CHOOSE_VERB: NOT_TAKEN})

    def preview(self, ack: Ack, body: Json) -> None:
        """What it would do, shown in the modal once the worker has said so."""
        ack()
        form = form_of_view(body)
        command = _command(form)
        if not isinstance(command, Command):
            text = f":warning: {escape(next(iter(command.values())))}"
            self._intake.aside(lambda: self._update(body["view"], modal(form, text)))
            return
        asker = form.asker(body["user"]["id"]).model_copy(update={"view": body["view"]["id"]})
        intent = Intent(
            id=action_id(body),
            verb="plan",
            arguments=(command.verb.name, *command.arguments),
            words=f"{help_of_verbs.SLASH} plan {command.words}",
            asker=asker,
            asked=self._intake.clock(),
        )
        self._intake.aside(lambda: self._preview(body["view"], form, intent), lasts=True)

    def _may_pick(self, body: Json) -> bool:
        """Strangers are shown no names and no commits; what they submit, the desk refuses."""
        who = self._rights.asker(self._registry.cluster(), Asker(place="slack", user=body["user"]["id"]))
        return who is not None and bool(who.may)

    def _open(self, trigger: str, form: Form, asker: Asker) -> None:
        try:
            self._intake.client.views_open(trigger_id=trigger, view=modal(form))
        except CALL_ERRORS as error:
            if is_open_already(error):
                return
            log.warning("the modal could not be opened", error=str(error)[:200])
            self._intake.tell(asker, f":warning: The modal could not be opened.\n{help_of_verbs.help_text()}")
            return
        if form.app:
            self._want_commits(form.app)

    def _update(self, view: Json, content: Json) -> Json | None:
        """Put other content in a view, unless it has changed since; the view as it is then."""
        try:
            answer = self._intake.client.views_update(view_id=view["id"], hash=view.get("hash"), view=content)
        except SlackApiError as error:
            # Whoever chose something else meanwhile is shown that, and one that was closed nothing.
            log.info("a modal was not redrawn", error=error.response.get("error"))
            return None
        changed: Json | None = answer.get("view")
        return changed

    def _preview(self, view: Json, form: Form, intent: Intent) -> None:
        shown = self._update(view, modal(form, f":hourglass_flowing_sand: plan {escape(' '.join(intent.arguments))} …"))
        if shown is None:
            return
        try:
            submit(self._intake.store, intent)
            answered = self._answer(intent)
        except Refused as refused:
            self._update(shown, modal(form, f":warning: {escape(refused.sentence)}"))
            return
        self._update(shown, modal(form, NO_ANSWER if answered is None else answered.answer))
        if answered is not None:
            delivered(self._intake.store, answered)

    def _answer(self, intent: Intent) -> Intent | None:
        until = time.monotonic() + PREVIEW_SECONDS
        while time.monotonic() < until:
            text = self._intake.store.get(keys.intent(intent.id))
            found = None if text is None else Intent.model_validate_json(text)
            if found is not None and found.status != "new":
                return found
            time.sleep(PREVIEW_LOOK_SECONDS)
        return None

    def _want_commits(self, app: str) -> None:
        commits_of(self._intake.store, app, 0.0)


def _noted(ack: Ack) -> None:
    """Slack keeps what was entered; it comes with the submission."""
    ack()


def _command(form: Form) -> Command | dict[str, str]:
    """The command of a form, or what is wrong, by the block where it is."""
    if missing := form.missing():
        return {missing: "This is needed."}
    parsed = parse(form.line())
    if isinstance(parsed, Command) and parsed.verb is BY_NAME[form.verb]:
        return parsed
    where = {"deploy": commit_block(form), "rollback": commit_block(form), "scale": TYPE_COUNT}
    sentence = "This is no command." if isinstance(parsed, Command) else f"{parsed.sentence}."
    return {where.get(form.verb, CHOOSE_APP): sentence}
