"""Commands that people type, as slack_bolt hears and answers them."""

import threading

import pytest
from slack_bolt import Ack, App, Respond

from lab.slack.client import ControlError, SlackControl
from tests.lab.slack.workspace import FLSTR, GENERAL, OPERATOR, Connect, Eventually, Impatient, Json


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
    app: App, connect: Connect, people: SlackControl, impatient: Impatient, eventually: Eventually
) -> None:
    heard: list[str] = []
    over = threading.Event()

    @app.command("/flstr")
    def listen(ack: Ack, body: Json) -> None:
        heard.append(body["text"])
        over.wait(10)
        ack("too late")

    connect()
    with impatient():
        outcome = people.type(OPERATOR, FLSTR, "/flstr deploy")
    over.set()
    assert (outcome["acknowledged"], outcome["error"]) == (False, "operation_timeout")
    assert [m["text"] for m in people.messages(FLSTR)] == ["/flstr failed with the error “operation_timeout”"]
    eventually(lambda: heard == ["deploy"])


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
