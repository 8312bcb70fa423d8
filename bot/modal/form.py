"""The modal of a bare `/flstr`: what to do, with which app, to which commit. Pure: a form in, a view or a line out."""

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ContextBlock,
    ExternalDataSelectElement,
    InputBlock,
    MarkdownTextObject,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.blocks.block_elements import InputInteractiveElement
from slack_sdk.models.views import View

from bot.actions import CHOOSE_APP, CHOOSE_COMMIT, CHOOSE_VERB, MODAL, PREVIEW, TYPE_COUNT
from bot.text import split
from model.operation import Asker

Json = dict[str, Any]

VERBS = {
    "deploy": "Deploy a commit",
    "scale": "Scale an app or a pool",
    "restart": "Restart an app",
    "rollback": "Roll back an app",
    "stop": "Stop an app",
}
WITH_COMMIT = frozenset({"deploy", "rollback"})
COMMIT_OPTIONAL = frozenset({"rollback"})
SECTION_CHARACTERS = 2900
PREVIEW_PARTS = 10
OPTION_CHARACTERS = 75

_INCOMPLETE = re.compile(r"(deploy)(?:\s+([a-z](?:[a-z0-9-]{0,28}[a-z0-9])?)@?)?")


@dataclass(frozen=True)
class Form:
    """What was chosen so far, and where the answer goes."""

    verb: str = "deploy"
    app: str = ""
    commit: str = ""
    count: str = ""
    channel: str = ""
    channel_name: str = ""

    def line(self) -> str:
        """What a person would have typed."""
        match self.verb:
            case "deploy":
                words = [f"{self.app}@{self.commit}"]
            case "scale":
                words = [self.app, self.count]
            case "rollback":
                words = [self.app, self.commit]
            case _:
                words = [self.app]
        return " ".join([self.verb, *words]).rstrip()

    def missing(self) -> str:
        """The block that has to be filled in first; empty where everything is."""
        if not self.app:
            return CHOOSE_APP
        if self.verb in WITH_COMMIT - COMMIT_OPTIONAL and not self.commit:
            return commit_block(self)
        return TYPE_COUNT if self.verb == "scale" and not self.count else ""

    def asker(self, user: str) -> Asker:
        """Who asks by this form, and where they are answered."""
        return Asker(place="slack", user=user, channel=self.channel, channel_name=self.channel_name)


def form_of_line(line: str) -> Form | None:
    """The form that a line leaves to be filled in: an empty one, or `deploy` without a commit; else None."""
    typed = line.strip()
    if not typed:
        return Form()
    found = _INCOMPLETE.fullmatch(typed)
    return None if found is None else Form(verb=found[1], app=found[2] or "")


def form_of_view(body: Json) -> Form:
    """The form as it stands in a view that Slack sent, with the choice that was just made."""
    view = body["view"]
    kept = _kept(view.get("private_metadata") or "")
    entered: dict[str, str] = {}
    for inputs in (view.get("state") or {}).get("values", {}).values():
        for action_id, value in inputs.items():
            entered[action_id] = _chosen(value)
    for action in body.get("actions") or ():
        entered[action["action_id"]] = _chosen(action)
    form = replace(
        kept,
        verb=entered.get(CHOOSE_VERB) or kept.verb,
        app=entered.get(CHOOSE_APP) or kept.app,
        # What stands empty was emptied: another commit may be left out.
        commit=entered.get(CHOOSE_COMMIT, kept.commit),
        count=(entered.get(TYPE_COUNT) or kept.count).strip(),
    )
    # A commit belongs to one app.
    return replace(form, commit="") if kept.app and form.app != kept.app else form


def modal(form: Form, preview: str = "") -> Json:
    """The view; `preview` is mrkdwn."""
    blocks = [
        _input("What to do", CHOOSE_VERB, _verbs(form)),
        _input("App or pool" if form.verb == "scale" else "App", CHOOSE_APP, _external(CHOOSE_APP, form.app)),
    ]
    if form.verb in WITH_COMMIT:
        optional = form.verb in COMMIT_OPTIONAL
        commits = _external(CHOOSE_COMMIT, form.commit)
        label = "Commit; without one, what served before" if optional else "Commit, branch or tag"
        blocks.append(_input(label, commit_block(form), commits, optional=optional, dispatches=False))
    if form.verb == "scale":
        count = PlainTextInputElement(action_id=TYPE_COUNT, initial_value=form.count or None, max_length=3)
        blocks.append(_input("How many", TYPE_COUNT, count, dispatches=False))
    button = ButtonElement(text=_plain("Show what it would do"), action_id=PREVIEW, value="plan")
    parts = [part for part in split(preview, SECTION_CHARACTERS) if part.strip()]
    more = (
        ["_Here is no room for the rest of it; ask for the plan in the channel._"] if len(parts) > PREVIEW_PARTS else []
    )
    shown = [SectionBlock(text=part) for part in [*parts[:PREVIEW_PARTS], *more]]
    said = ContextBlock(elements=[MarkdownTextObject(text="The answer comes to you alone, as if you had typed it.")])
    return View(
        type="modal",
        callback_id=MODAL,
        title=_plain("flstr"),
        submit=_plain("Do it"),
        close=_plain("Cancel"),
        private_metadata=json.dumps(asdict(form)),
        blocks=[*blocks, ActionsBlock(block_id=PREVIEW, elements=[button]), *shown, said],
    ).to_dict()


def commit_block(form: Form) -> str:
    """The commit's block: another one for each app, so that Slack does not keep the choice of another."""
    return f"{CHOOSE_COMMIT}.{form.app}"


def _input(
    label: str,
    block_id: str,
    element: InputInteractiveElement,
    *,
    optional: bool = False,
    dispatches: bool = True,
) -> InputBlock:
    return InputBlock(
        label=_plain(label), block_id=block_id, element=element, optional=optional, dispatch_action=dispatches or None
    )


def _verbs(form: Form) -> StaticSelectElement:
    options = [Option(text=_plain(title), value=verb) for verb, title in VERBS.items()]
    chosen = next(option for option in options if option.value == form.verb)
    return StaticSelectElement(action_id=CHOOSE_VERB, options=options, initial_option=chosen)


def _external(action_id: str, chosen: str) -> ExternalDataSelectElement:
    return ExternalDataSelectElement(action_id=action_id, min_query_length=0, initial_option=_option(chosen))


def _option(value: str) -> Option | None:
    return Option(text=_plain(value[:OPTION_CHARACTERS]), value=value[:OPTION_CHARACTERS]) if value else None


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=text)


def _chosen(value: Json) -> str:
    option = value.get("selected_option")
    return str(option["value"]) if option else str(value.get("value") or "")


def _kept(metadata: str) -> Form:
    try:
        return Form(**json.loads(metadata))
    except (ValueError, TypeError):
        return Form()
