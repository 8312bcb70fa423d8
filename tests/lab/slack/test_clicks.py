"""Buttons that people click, as slack_bolt hears of them."""

import pytest
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from lab.slack.client import ControlError, SlackControl
from tests.lab.slack.workspace import APPROVE, DEVELOPER, FLSTR, OPERATOR, Connect, Eventually, Json


def test_a_click_carries_the_message_and_the_value(
    app: App, connect: Connect, web: WebClient, people: SlackControl, eventually: Eventually
) -> None:
    clicks: list[Json] = []

    @app.action("approve")
    def approve(ack: Ack, body: Json, respond: Respond) -> None:
        ack()
        clicks.append(body)
        respond(text="approved", replace_original=True)

    connect()
    ts = str(web.chat_postMessage(channel=FLSTR, text="destroy?", blocks=[APPROVE])["ts"])
    assert people.click(DEVELOPER, "approve", channel=FLSTR, ts=ts)["acknowledged"]
    eventually(lambda: people.messages(FLSTR)[0]["text"] == "approved")
    assert "blocks" not in people.messages(FLSTR)[0]
    assert clicks[0]["user"]["id"] == DEVELOPER
    assert clicks[0]["actions"][0]["value"] == "op1"
    assert clicks[0]["container"]["message_ts"] == clicks[0]["message"]["ts"] == ts
    with pytest.raises(ControlError, match="action_not_found"):
        people.click(DEVELOPER, "approve", channel=FLSTR, ts=ts)


def test_a_click_can_delete_its_message_or_answer_in_its_thread(
    app: App, connect: Connect, web: WebClient, people: SlackControl, eventually: Eventually
) -> None:
    @app.action("approve")
    def approve(ack: Ack, respond: Respond) -> None:
        ack()
        respond(text="for you", replace_original=False)
        respond(delete_original=True)

    connect()
    root = str(web.chat_postMessage(channel=FLSTR, text="root")["ts"])
    ts = str(web.chat_postMessage(channel=FLSTR, text="?", thread_ts=root, blocks=[APPROVE])["ts"])
    people.click(OPERATOR, "approve", channel=FLSTR, ts=ts)
    eventually(lambda: [m["text"] for m in people.messages(FLSTR, thread_ts=root)] == ["root", "for you"])
    assert people.messages(FLSTR, thread_ts=root)[1]["ephemeral_to"] == OPERATOR


def test_a_button_is_there_for_those_it_is_visible_to(web: WebClient, people: SlackControl) -> None:
    button = APPROVE["elements"][0] | {"visible_to_user_ids": [OPERATOR]}
    ts = str(web.chat_postMessage(channel=FLSTR, text="?", blocks=[APPROVE | {"elements": [button]}])["ts"])
    with pytest.raises(ControlError, match="action_not_found"):
        people.click(DEVELOPER, "approve", channel=FLSTR, ts=ts)
    assert people.click(OPERATOR, "approve", channel=FLSTR, ts=ts)["error"] == "dispatch_failed"
