"""Socket Mode as slack_bolt uses it: commands, clicks, modals, events, and connections that go."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from lab.slack.client import ControlError, SlackControl
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings

Json = dict[str, Any]
Connect = Callable[[], SocketModeHandler]
Eventually = Callable[[Callable[[], object]], object]

FLSTR = "C01FLSTR"
GENERAL = "C02GENERAL"
OPERATOR = "U01OPERATOR"
DEVELOPER = "U02DEVELOPER"
APPROVE: Json = {
    "type": "actions",
    "block_id": "decision",
    "elements": [
        {
            "type": "button",
            "action_id": "approve",
            "value": "op1",
            "style": "primary",
            "text": {"type": "plain_text", "text": "Approve"},
        }
    ],
}
MODAL: Json = {
    "type": "modal",
    "callback_id": "deploy",
    "title": {"type": "plain_text", "text": "Deploy"},
    "submit": {"type": "plain_text", "text": "Go"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "commit",
            "label": {"type": "plain_text", "text": "Commit"},
            "element": {"type": "plain_text_input", "action_id": "hash"},
        },
        {
            "type": "input",
            "block_id": "app",
            "optional": True,
            "label": {"type": "plain_text", "text": "App"},
            "element": {"type": "external_select", "action_id": "app_name", "min_query_length": 1},
        },
    ],
}


def test_a_command_is_acknowledged_with_an_answer_for_its_person(
    app: App, connect: Connect, people: SlackControl
) -> None:
    heard: list[Json] = []

    @app.command("/flstr")
    def listen(ack: Ack, body: Json) -> None:
        heard.append(body)
        ack(f"you said {body['text']}")

    connect()
    outcome = people.type(OPERATOR, FLSTR, "/flstr  status ")
    assert outcome["acknowledged"]
    assert outcome["response"]["text"] == "you said status"
    assert outcome["response"]["ephemeral_to"] == OPERATOR
    assert (heard[0]["user_name"], heard[0]["channel_name"]) == ("operator", "flstr")
    assert heard[0]["trigger_id"] == outcome["trigger_id"]


def test_an_answer_in_the_channel_shows_what_was_asked(app: App, connect: Connect, people: SlackControl) -> None:
    app.command("/flstr")(lambda ack: ack(text="all well", response_type="in_channel"))
    connect()
    people.type(OPERATOR, FLSTR, "/flstr status")
    said = [(m["user"], m["text"], m["ephemeral_to"]) for m in people.messages(FLSTR)]
    assert said == [(OPERATOR, "/flstr status", None), ("U00FLSTR", "all well", None)]


def test_a_command_that_nobody_hears_fails_before_the_person(people: SlackControl) -> None:
    assert people.type(OPERATOR, FLSTR, "/flstr status")["error"] == "dispatch_failed"
    assert people.type(OPERATOR, FLSTR, "/deploy x")["error"] == "unknown_command"
    failed, unknown = people.messages(FLSTR)
    assert failed["text"] == "/flstr failed with the error “dispatch_failed”"
    assert unknown["text"] == "`/deploy` is not a valid command."
    assert {failed["ephemeral_to"], unknown["ephemeral_to"]} == {OPERATOR}


def test_a_late_acknowledgement_is_an_error_to_the_person_and_is_not_sent_again(
    app: App, connect: Connect, people: SlackControl
) -> None:
    heard: list[str] = []
    over = threading.Event()

    @app.command("/flstr")
    def listen(ack: Ack, body: Json) -> None:
        heard.append(body["text"])
        over.wait(10)
        ack("too late")

    connect()
    outcome = people.type(OPERATOR, FLSTR, "/flstr deploy")
    over.set()
    assert (outcome["acknowledged"], outcome["error"]) == (False, "operation_timeout")
    assert [m["text"] for m in people.messages(FLSTR)] == ["/flstr failed with the error “operation_timeout”"]
    assert heard == ["deploy"]


def test_a_line_longer_than_slack_takes_is_refused(people: SlackControl) -> None:
    with pytest.raises(ControlError, match="msg_too_long"):
        people.type(OPERATOR, FLSTR, "/flstr " + "x" * 12_000)


def test_a_response_url_answers_five_times(
    app: App, connect: Connect, people: SlackControl, eventually: Eventually
) -> None:
    statuses: list[int] = []

    @app.command("/flstr")
    def listen(ack: Ack, respond: Respond) -> None:
        ack()
        statuses.extend(respond(text=str(n), response_type="in_channel").status_code for n in range(6))

    connect()
    people.type(OPERATOR, GENERAL, "/flstr go")
    eventually(lambda: len(statuses) == 6)
    assert statuses == [200] * 5 + [404]
    assert len(people.messages(GENERAL)) == 5


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


def open_modal(app: App, connect: Connect, people: SlackControl) -> Json:
    @app.command("/flstr")
    def listen(ack: Ack, client: WebClient, body: Json) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        ack()

    connect()
    assert people.type(OPERATOR, FLSTR, "/flstr")["acknowledged"]
    return people.modals(OPERATOR)[-1]


def test_a_modal_is_opened_completed_and_submitted(app: App, connect: Connect, people: SlackControl) -> None:
    submitted: list[Json] = []

    @app.view("deploy")
    def submit(ack: Ack, view: Json) -> None:
        submitted.append(view["state"]["values"])
        if view["state"]["values"]["commit"]["hash"]["value"] == "nope":
            ack(response_action="errors", errors={"commit": "No such commit."})
        else:
            ack()

    view_id = open_modal(app, connect, people)["id"]
    assert people.submit(OPERATOR, view_id, {})["errors"] == {"commit": "Please complete this required field."}
    assert submitted == []
    assert people.submit(OPERATOR, view_id, {"commit": "nope"})["errors"] == {"commit": "No such commit."}
    assert people.modals(OPERATOR)
    assert people.submit(OPERATOR, view_id, {"commit": "a1b2c3", "app": "influencer"})["acknowledged"]
    assert people.modals(OPERATOR) == []
    assert submitted[-1]["app"]["app_name"]["selected_option"]["value"] == "influencer"


def test_a_modal_is_updated_by_the_answer_and_cancelled(app: App, connect: Connect, people: SlackControl) -> None:
    closed: list[Json] = []
    app.view("deploy")(
        lambda ack: ack(response_action="update", view=MODAL | {"title": {"type": "plain_text", "text": "Sure?"}})
    )

    @app.view_closed("deploy")
    def close(ack: Ack, body: Json) -> None:
        closed.append(body)
        ack()

    view_id = open_modal(app, connect, people)["id"]
    people.submit(OPERATOR, view_id, {"commit": "a1b2c3"})
    assert people.modals(OPERATOR)[0]["title"]["text"] == "Sure?"
    people.close(OPERATOR, view_id)
    assert people.modals(OPERATOR) == []
    assert len(closed) == 1


def test_an_external_select_asks_the_app_for_options(app: App, connect: Connect, people: SlackControl) -> None:
    @app.options("app_name")
    def offer(ack: Ack, payload: Json) -> None:
        name = payload["value"] + "fluencer"
        ack(options=[{"text": {"type": "plain_text", "text": name}, "value": name}])

    view = open_modal(app, connect, people)
    assert people.suggest(OPERATOR, view["id"], "app_name", "in")[0]["value"] == "influencer"


def test_a_trigger_opens_one_modal(app: App, connect: Connect, web: WebClient, people: SlackControl) -> None:
    def error_of(trigger_id: str, view: Json = MODAL) -> str:
        with pytest.raises(SlackApiError) as refused:
            web.views_open(trigger_id=trigger_id, view=view)
        return str(refused.value.response["error"])

    app.command("/flstr")(lambda ack: ack())
    connect()
    trigger_id = people.type(OPERATOR, FLSTR, "/flstr")["trigger_id"]
    assert error_of(trigger_id, MODAL | {"blocks": [{"type": "nonsense"}]}) == "invalid_arguments"
    web.views_open(trigger_id=trigger_id, view=MODAL)
    assert error_of(trigger_id) == "exchanged_trigger_id"
    assert error_of("1.2.3") == "invalid_trigger_id"


def test_app_home_is_opened_and_published(
    app: App, connect: Connect, people: SlackControl, eventually: Eventually
) -> None:
    @app.event("app_home_opened")
    def opened(event: Json, client: WebClient) -> None:
        section = {"type": "section", "text": {"type": "mrkdwn", "text": "*The fleet*"}}
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section]})

    connect()
    people.open_home(OPERATOR)
    eventually(lambda: people.home(OPERATOR))
    assert people.home(DEVELOPER) is None


def test_a_button_in_app_home_is_an_action_of_its_view(
    app: App, connect: Connect, web: WebClient, people: SlackControl
) -> None:
    clicks: list[Json] = []

    @app.action("approve")
    def approve(ack: Ack, body: Json) -> None:
        clicks.append(body)
        ack()

    connect()
    view_id = str(web.views_publish(user_id=OPERATOR, view={"type": "home", "blocks": [APPROVE]})["view"]["id"])
    assert people.click(OPERATOR, "approve", view_id=view_id)["acknowledged"]
    assert clicks[0]["view"]["type"] == "home"
    with pytest.raises(ControlError, match="not_found"):
        people.click(DEVELOPER, "approve", view_id=view_id)


def test_a_mention_is_an_event_and_the_answer_a_message(
    app: App, connect: Connect, people: SlackControl, eventually: Eventually
) -> None:
    app.event("message")(lambda: None)

    @app.event("app_mention")
    def mentioned(event: Json, say: Callable[..., object]) -> None:
        say(text=f"hello <@{event['user']}>", thread_ts=event["ts"])

    connect()
    ts = people.type(OPERATOR, FLSTR, "<@U00FLSTR> are you there?")["message"]["ts"]
    eventually(lambda: len(people.messages(FLSTR, thread_ts=ts)) == 2)
    assert people.messages(FLSTR, thread_ts=ts)[1]["text"] == f"hello <@{OPERATOR}>"


def test_an_event_that_is_not_acknowledged_comes_again(
    slack: SlackApi, people: SlackControl, eventually: Eventually
) -> None:
    attempts: list[SocketModeRequest] = []

    def listen(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        attempts.append(request)
        if request.retry_attempt:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client = SocketModeClient(slack.app_token, web_client=WebClient(base_url=slack.api_url))
    client.socket_mode_request_listeners.append(listen)
    client.connect()
    people.open_home(OPERATOR)
    eventually(lambda: len(attempts) == 2)
    client.auto_reconnect_enabled = False
    people.disconnect("abort")
    client.close()
    assert [a.retry_attempt for a in attempts] == [0, 1]
    assert attempts[1].retry_reason == "timeout"
    assert attempts[0].payload["event_id"] == attempts[1].payload["event_id"]


def test_a_doubled_envelope_reaches_the_app_twice(app: App, connect: Connect, people: SlackControl) -> None:
    heard: list[str] = []

    @app.command("/flstr")
    def listen(ack: Ack, body: Json) -> None:
        heard.append(body["trigger_id"])
        ack("once")

    connect()
    people.duplicate(1)
    people.type(OPERATOR, FLSTR, "/flstr status")
    people.type(OPERATOR, FLSTR, "/flstr status")
    assert len(heard) == 3
    assert len(set(heard)) == 2
    assert len(people.messages(FLSTR)) == 2


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "abort"])
def test_the_app_comes_back_after_a_disconnect(
    app: App, connect: Connect, people: SlackControl, eventually: Eventually, reason: str
) -> None:
    app.command("/flstr")(lambda ack: ack("here"))
    connect()
    eventually(lambda: people.connections() == 1)
    opened = len(people.calls("apps.connections.open"))
    assert people.disconnect(reason) == 1
    eventually(lambda: len(people.calls("apps.connections.open")) > opened)
    eventually(lambda: people.type(OPERATOR, FLSTR, "/flstr status")["acknowledged"])


def test_a_payload_goes_to_one_of_two_connections(
    app: App, connect: Connect, people: SlackControl, eventually: Eventually
) -> None:
    heard: list[str] = []

    @app.command("/flstr")
    def listen(ack: Ack, body: Json) -> None:
        heard.append(body["text"])
        ack()

    connect()
    connect()
    eventually(lambda: people.connections() == 2)
    for number in range(4):
        people.type(OPERATOR, FLSTR, f"/flstr {number}")
    assert heard == ["0", "1", "2", "3"]


class TestWithOneConnection:
    @pytest.fixture
    def settings(self) -> SlackSettings:
        return SlackSettings(socket_connections=1)

    def test_a_connection_too_many_is_refused(
        self, slack: SlackApi, connect: Connect, people: SlackControl, eventually: Eventually
    ) -> None:
        connect()
        eventually(lambda: people.connections() == 1)
        with pytest.raises(SlackApiError, match="too_many_websockets"):
            WebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token)
