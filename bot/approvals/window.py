"""Approve, where machines are destroyed: a window asks for their names, and what is typed becomes an intent."""

import json
from itertools import takewhile
from typing import Any

import structlog
from slack_bolt import Ack, App

from bot.actions import NAME
from bot.asking import click_asker
from bot.intake import Intake
from bot.intent_ids import intent_id
from bot.parts import section
from bot.slack_errors import CALL_ERRORS, is_open_already
from bot.text import clip, fit
from model.operation import Asker, Intent

log = structlog.get_logger()

CALLBACK = "approval.names"
INPUT = "names"
METADATA_CHARACTERS = 3000
LOST_CHARACTERS = 2900
NOT_OPENED = ":warning: Slack did not open the window; press Approve again, or type `/flstr approve {id} {names}`."
NOT_TAKEN = "etcd does not answer, so nothing may have come of this; look at the card before you submit it again."

Json = dict[str, Any]


class Approving:
    """The window says what the card says; all it needs comes with the click, so that etcd is not waited for."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def register(self, app: App) -> None:
        """Listen to Approve buttons that ask for names, and to what is typed."""
        app.action(NAME)(self.click)
        app.view(CALLBACK)(self.submitted)

    def click(self, ack: Ack, body: Json) -> None:
        """Open the window."""
        self._intake.aside(lambda: self._open(body))
        ack()

    def submitted(self, ack: Ack, body: Json) -> None:
        """What was typed: exactly the names, or an error below the input."""
        view = body["view"]
        asked = json.loads(view["private_metadata"])
        typed = _typed(view)
        names = asked["names"]
        if names and sorted(set(typed)) != sorted(names):
            ack(response_action="errors", errors={INPUT: clip(f"Type exactly: {' '.join(names)}", 150)})
        elif self._intake.take(submission_intent(body, asked, typed, self._intake.clock())):
            ack()
        else:
            ack(response_action="errors", errors={INPUT: NOT_TAKEN})

    def _open(self, body: Json) -> None:
        try:
            self._intake.client.views_open(trigger_id=body["trigger_id"], view=window(body))
        except CALL_ERRORS as error:
            if is_open_already(error):
                return
            log.warning("a window could not be opened", error=str(error)[:200])
            approval, *names = body["actions"][0]["value"].split()
            self._intake.tell(click_asker(body), NOT_OPENED.format(id=approval, names=" ".join(names)))


def window(body: Json) -> Json:
    """The window for a click, made from the card that was clicked."""
    approval, *names = body["actions"][0]["value"].split()
    channel = body.get("channel") or {}
    metadata = {"approval": approval, "names": names, "channel": channel.get("id", ""), "name": channel.get("name", "")}
    text = json.dumps(metadata)
    if len(text) > METADATA_CHARACTERS:
        text = json.dumps({**metadata, "names": []})
    what = " ".join(names) or "the machines it destroys"
    hint = (
        {"hint": {"type": "plain_text", "text": clip("Their names, with a space between them", 150)}}
        if len(names) != 1
        else {}
    )
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": text,
        "title": {"type": "plain_text", "text": "Destroy machines?"},
        "submit": {"type": "plain_text", "text": "Approve"},
        "close": {"type": "plain_text", "text": "Back"},
        "blocks": [
            *([section(clip(lost, LOST_CHARACTERS))] if (lost := _of_card(body)) else []),
            {
                "type": "input",
                "block_id": INPUT,
                "label": {"type": "plain_text", "text": clip(f"Type {what} to approve", 2000)},
                "element": {"type": "plain_text_input", "action_id": INPUT},
                **hint,
            },
        ],
    }


def submission_intent(body: Json, asked: Json, typed: list[str], now: float) -> Intent:
    """The intent of a window; what Slack delivers twice has the same window and the same text."""
    user, approval, view = body["user"]["id"], asked["approval"], body["view"]["id"]
    names = " ".join(typed)
    return Intent(
        id=intent_id("names", view, user, approval, names),
        verb="approve",
        arguments=(approval, names) if names else (approval,),
        words=fit(f"approve button, {names}", 200),
        asker=Asker(place="slack", user=user, channel=asked["channel"], channel_name=asked["name"]),
        asked=now,
    )


def _typed(view: Json) -> list[str]:
    entered = view["state"]["values"].get(INPUT, {}).get(INPUT, {}).get("value") or ""
    return str(entered).replace(",", " ").split()


def _of_card(body: Json) -> str:
    """What the card says above its buttons: what is lost, until when, and the facts."""
    blocks = (body.get("message") or {}).get("blocks") or ()
    above = takewhile(lambda block: block.get("type") != "actions", blocks)
    return "\n".join(block["text"]["text"] for block in above if block.get("type") == "section")
