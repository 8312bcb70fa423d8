"""Socket Mode as slack_bolt uses it: envelopes that come late or again, and connections that go."""

from collections.abc import Callable

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from lab.slack.client import SlackControl
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings
from tests.lab.slack.workspace import FLSTR, OPERATOR, Connect, Eventually, Impatient, Json


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
    slack: SlackApi, people: SlackControl, impatient: Impatient, eventually: Eventually
) -> None:
    attempts: list[SocketModeRequest] = []

    def listen(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        attempts.append(request)
        if request.retry_attempt:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client = SocketModeClient(slack.app_token, web_client=WebClient(base_url=slack.api_url))
    client.socket_mode_request_listeners.append(listen)
    client.connect()
    with impatient():
        people.open_home(OPERATOR)
        eventually(lambda: len(attempts) >= 2)
    client.auto_reconnect_enabled = False
    people.disconnect("abort")
    client.close()
    first, second = attempts[:2]  # on a busy machine the second one may be late as well
    assert [first.retry_attempt, second.retry_attempt] == [0, 1]
    assert second.retry_reason == "timeout"
    assert first.payload["event_id"] == second.payload["event_id"]


def test_a_doubled_envelope_reaches_the_app_twice(
    app: App, connect: Connect, people: SlackControl, eventually: Eventually
) -> None:
    heard: list[str] = []

    @app.command("/flstr")
    def listen(ack: Ack, body: Json) -> None:
        heard.append(body["trigger_id"])
        ack("once")

    connect()
    people.duplicate(1)
    people.type(OPERATOR, FLSTR, "/flstr status")
    people.type(OPERATOR, FLSTR, "/flstr status")
    eventually(lambda: len(heard) == 3)
    assert len(set(heard)) == 2
    assert len(people.messages(FLSTR)) == 2


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "abort"])
def test_the_app_comes_back_after_a_disconnect(
    app: App, connect: Connect, people: SlackControl, impatient: Impatient, eventually: Eventually, reason: str
) -> None:
    app.command("/flstr")(lambda ack: ack("here"))
    connect()
    eventually(lambda: people.connections() == 1)
    opened = len(people.calls("apps.connections.open"))
    assert people.disconnect(reason) == 1
    eventually(lambda: len(people.calls("apps.connections.open")) > opened)
    with impatient():  # what goes to the old one is lost
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
