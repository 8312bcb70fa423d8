"""Approve, where machines are destroyed: a window asks for their names, in the lab's Slack."""

import time
from collections.abc import Callable

import pytest
from slack_sdk import WebClient

from bot.approvals import window as approving
from bot.intake import Intake
from gitops.intents import answer
from model.attachment import Reply
from model.operation import Approval, Fact, Operation
from tests.bot.room import CHANNEL, OPERATOR, Json, Room, eventually

MakeApproval = Callable[..., Approval]
FACT = Fact(title="Cost a month", text="4.51 € less")


@pytest.fixture
def card(room: Room, asking: Operation, make_approval: MakeApproval) -> Json:
    """The card of a removal that waits."""
    room.start_bot()
    room.put_approval(make_approval(expires=time.time() + 600, names=("worker103",), facts=(FACT,)))
    room.put(asking)
    eventually(lambda: "approval.name" in room.card())
    [card] = room.cards()
    return card


def opened(room: Room, card: Json) -> Json:
    clicked = room.people.click(OPERATOR, "approval.name", channel=CHANNEL, ts=card["ts"])
    assert clicked["acknowledged"]
    eventually(lambda: room.people.modals(OPERATOR))
    view: Json = room.people.modals(OPERATOR)[-1]
    return view


def test_the_window_says_what_is_lost_and_takes_nothing_but_the_names(room: Room, card: Json) -> None:
    window = opened(room, card)
    lost, field = window["blocks"]
    assert "*Machines destroyed:* worker103" in lost["text"]["text"]
    assert "*Cost a month:* 4.51 € less" in lost["text"]["text"]
    assert field["label"]["text"] == "Type worker103 to approve"
    wrong = room.people.submit(OPERATOR, window["id"], {"names": "worker102"})
    assert wrong["errors"] == {"names": "Type exactly: worker103"}
    assert room.intents() == []
    right = room.people.submit(OPERATOR, window["id"], {"names": " worker103 "})
    assert right["errors"] == {}
    [intent] = room.intents()
    assert (intent.verb, intent.arguments, intent.asker.user) == ("approve", ("appr-1", "worker103"), OPERATOR)
    answer(room.store, intent, Reply("Approved; the operation starts."))
    eventually(lambda: (OPERATOR, "Approved; the operation starts.") in room.ephemeral())


def test_what_slack_delivers_twice_is_approved_once(room: Room, card: Json) -> None:
    window = opened(room, card)
    room.people.duplicate(1)
    room.people.submit(OPERATOR, window["id"], {"names": "worker103"})
    assert len(room.intents()) == 1


def test_a_stale_button_is_one_sentence(room: Room, card: Json) -> None:
    window = opened(room, card)
    room.people.submit(OPERATOR, window["id"], {"names": "worker103"})
    [intent] = room.intents()
    answer(room.store, intent, Reply("This was already denied; nothing was changed."), refused=True)
    told = eventually(lambda: [text for person, text in room.ephemeral() if person == OPERATOR])
    assert told == ["This was already denied; nothing was changed."]


def test_a_window_that_does_not_open_is_told_with_what_to_type(room: Room, card: Json) -> None:
    room.people.fault("views.open", error="expired_trigger_id")
    room.people.click(OPERATOR, "approval.name", channel=CHANNEL, ts=card["ts"])
    told = eventually(lambda: [text for person, text in room.ephemeral() if person == OPERATOR])
    assert told == [
        ":warning: Slack did not open the window; press Approve again, or type `/flstr approve appr-1 worker103`."
    ]


def test_of_too_many_names_for_a_button_the_desk_says_what_to_type() -> None:
    body = {"actions": [{"value": "appr-1"}], "channel": {"id": CHANNEL, "name": "flstr"}}
    window = approving.window(body)
    assert window["blocks"][0]["label"]["text"] == "Type the machines it destroys to approve"


def test_an_etcd_that_is_away_is_said_below_the_input(room: Room) -> None:
    said: list[Json] = []
    view = {
        "id": "V1",
        "private_metadata": '{"approval": "a", "names": ["worker103"], "channel": "C1", "name": "flstr"}',
        "state": {"values": {"names": {"names": {"value": "worker103"}}}},
    }
    intake = Intake(room.store, WebClient())
    intake.stop()  # so that nothing gets through it to etcd
    window = approving.Approving(intake)
    window.submitted(lambda **ack: said.append(ack), {"user": {"id": OPERATOR}, "view": view})  # type: ignore[arg-type]
    assert "etcd does not answer" in said[0]["errors"]["names"]
