"""Envelopes on a bad day: shuffled, late, cut off, into a deaf connection; and the log of how each fared."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from slack_bolt import Ack, App

from lab.slack.client import ControlError, SlackControl
from lab.slack.settings import SlackSettings
from tests.lab.slack.conftest import QUICK
from tests.lab.slack.workspace import FLSTR, OPERATOR, Connect, Eventually, Impatient, Json


@pytest.fixture
def settings() -> SlackSettings:
    """Slack tries an event again for as long as a test lasts."""
    return replace(QUICK, event_retry_seconds=(0.1,) * 200)


@pytest.fixture
def heard(app: App) -> list[str]:
    """The texts of the commands that the app got, each acknowledged."""
    texts: list[str] = []

    @app.command("/flstr")
    def listen(ack: Ack, body: Json) -> None:
        texts.append(body["text"])
        ack(f"heard {body['text']}")

    return texts


def answers(people: SlackControl) -> list[str]:
    return [message["text"] for message in people.messages(FLSTR)]


def test_the_log_tells_when_an_envelope_was_sent_and_acknowledged(
    connect: Connect, people: SlackControl, heard: list[str]
) -> None:
    connect()
    outcome = people.type(OPERATOR, FLSTR, "/flstr status")
    (envelope,) = people.envelopes("slash_commands")
    assert envelope["key"] == outcome["trigger_id"]
    assert (envelope["sends"], envelope["acks"], envelope["error"]) == (1, 1, None)
    assert envelope["made_at"] <= envelope["sent_at"] <= envelope["acknowledged_at"]
    assert envelope["connection"] == people.sockets()[0]["connection"]
    assert people.envelopes("events_api") == []


def test_envelopes_that_are_held_back_come_shuffled_and_perhaps_twice(
    connect: Connect, people: SlackControl, heard: list[str], eventually: Eventually
) -> None:
    connect()
    people.reorder(12, twice=True, seed=1, seconds=60)
    with ThreadPoolExecutor(12) as typists:
        outcomes = list(typists.map(lambda n: people.type(OPERATOR, FLSTR, f"/flstr {n}"), range(12)))
    assert all(outcome["acknowledged"] for outcome in outcomes)
    envelopes = people.envelopes("slash_commands")
    sends = sum(envelope["sends"] for envelope in envelopes)
    assert 12 < sends < 24
    eventually(lambda: sum(envelope["acks"] for envelope in people.envelopes("slash_commands")) == sends)
    assert set(heard) == {str(n) for n in range(12)}
    assert [e["key"] for e in sorted(envelopes, key=lambda e: float(e["sent_at"]))] != [e["key"] for e in envelopes]
    people.type(OPERATOR, FLSTR, "/flstr in order again")
    assert people.envelopes("slash_commands")[-1]["sends"] == 1


def test_what_is_held_back_is_sent_when_a_test_says_so(
    connect: Connect, people: SlackControl, heard: list[str], eventually: Eventually
) -> None:
    connect()
    people.reorder(100, seconds=60)
    with ThreadPoolExecutor(1) as typist:
        typing = typist.submit(people.type, OPERATOR, FLSTR, "/flstr status")
        eventually(lambda: people.envelopes("slash_commands"))
        assert heard == []
        people.reorder(0)
        assert typing.result()["acknowledged"]
    assert heard == ["status"]


def test_an_acknowledgement_after_the_deadline_is_a_failure_and_then_ignored(
    connect: Connect, people: SlackControl, heard: list[str], impatient: Impatient, eventually: Eventually
) -> None:
    connect()
    people.late(1, seconds=1.5)
    with impatient():
        outcome = people.type(OPERATOR, FLSTR, "/flstr deploy")
    assert (outcome["acknowledged"], outcome["error"]) == (False, "operation_timeout")
    eventually(lambda: people.envelopes()[0]["acknowledged_at"])
    (envelope,) = people.envelopes()
    assert (envelope["acks"], envelope["error"]) == (1, "operation_timeout")
    assert answers(people) == ["/flstr failed with the error “operation_timeout”"]
    assert heard == ["deploy"]
    assert people.type(OPERATOR, FLSTR, "/flstr status")["acknowledged"]


def test_an_envelope_that_is_late_reaches_the_app_after_the_person_saw_it_fail(
    connect: Connect, people: SlackControl, heard: list[str], impatient: Impatient, eventually: Eventually
) -> None:
    connect()
    people.late(1, seconds=1.5, what="envelope")
    with impatient():
        assert people.type(OPERATOR, FLSTR, "/flstr deploy")["error"] == "operation_timeout"
    eventually(lambda: heard == ["deploy"])


def test_a_connection_breaks_before_the_acknowledgement_is_read(
    connect: Connect, people: SlackControl, heard: list[str], impatient: Impatient, eventually: Eventually
) -> None:
    connect()
    people.cut()
    with impatient():
        assert people.type(OPERATOR, FLSTR, "/flstr deploy")["error"] == "operation_timeout"
    eventually(lambda: heard == ["deploy"])
    (envelope,) = people.envelopes()
    # Its acknowledgement breaks it, and may have been on its way until now.
    eventually(lambda: envelope["connection"] not in [socket["connection"] for socket in people.sockets()])
    (envelope,) = people.envelopes()
    assert (envelope["sends"], envelope["acks"], envelope["acknowledged_at"]) == (1, 0, None)
    eventually(lambda: people.type(OPERATOR, FLSTR, "/flstr status")["acknowledged"])
    assert people.sockets()[0]["connection"] != envelope["connection"]


def test_one_connection_of_two_is_told_to_go(
    connect: Connect, people: SlackControl, heard: list[str], eventually: Eventually
) -> None:
    first, second = connect(), connect()
    eventually(lambda: people.connections() == 2)
    assert [socket["from"] for socket in people.sockets()] == ["127.0.0.1", "127.0.0.1"]
    gone, stays = (socket["connection"] for socket in people.sockets())
    assert people.disconnect("abort", connection=gone) == 1
    eventually(lambda: gone not in [socket["connection"] for socket in people.sockets()])
    assert stays in [socket["connection"] for socket in people.sockets()]
    assert people.type(OPERATOR, FLSTR, "/flstr status")["acknowledged"]
    with pytest.raises(ControlError, match="connection_not_found"):
        people.disconnect("abort", connection=gone)
    assert first is not second


def test_a_deaf_connection_swallows_what_it_is_given_until_it_is_released(
    connect: Connect, people: SlackControl, heard: list[str], impatient: Impatient
) -> None:
    connect()
    assert people.deafen() == 1
    with impatient():
        assert people.type(OPERATOR, FLSTR, "/flstr lost")["error"] == "operation_timeout"
    assert heard == []
    assert people.sockets()[0]["deaf"]
    people.deafen(deaf=False)
    assert people.type(OPERATOR, FLSTR, "/flstr found")["acknowledged"]
    assert heard == ["found"]


def test_a_deaf_connection_answers_no_ping_so_that_the_app_can_notice(
    connect: Connect, people: SlackControl, heard: list[str], impatient: Impatient, eventually: Eventually
) -> None:
    handler = connect()  # pings every second, and gives a silent connection up after four
    people.deafen()
    (silent,) = people.sockets()
    eventually(lambda: [s for s in people.sockets() if s["connection"] != silent["connection"]])
    with impatient():  # the deaf one may still be asked
        eventually(lambda: people.type(OPERATOR, FLSTR, "/flstr status")["acknowledged"])
    assert handler.client.is_connected()


def test_an_event_finds_its_way_although_no_connection_was_there(
    app: App, connect: Connect, people: SlackControl, eventually: Eventually
) -> None:
    mentioned = threading.Event()
    app.event("message")(lambda: None)

    @app.event("app_mention")
    def listen() -> None:
        mentioned.set()

    people.type(OPERATOR, FLSTR, "<@U00FLSTR> status")
    eventually(lambda: [e for e in people.envelopes("events_api") if e["error"] == "dispatch_failed"])
    connect()
    assert mentioned.wait(15)
    fates = {(e["error"], e["retry_attempt"] > 0) for e in people.envelopes("events_api")}
    assert ("dispatch_failed", False) in fates
    eventually(lambda: [e for e in people.envelopes("events_api") if e["acks"] and e["retry_attempt"]])
