"""Operations, approvals and notices as they stand in the lab's Slack."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from lab.slack.settings import SlackSettings as LabSettings
from model import keys
from model.operation import Approval, Decision, Notice, Operation, Origin, StepState
from tests.bot.room import CHANNEL, DEVELOPER, OPERATOR, PATIENT, Room, eventually

DONE = StepState(status="done")
RUNNING = StepState(status="running", detail="joining vpn_ctrl")
FAILED = StepState(status="failed", detail="the build ended with status 2", output="make: *** no rule\n")


MakeOperation = Callable[..., Operation]


def test_an_operation_is_one_card_from_start_to_end(room: Room, make_operation: MakeOperation) -> None:
    room.start_bot()
    room.put(make_operation((RUNNING, StepState()), "queued", started=None))
    eventually(lambda: len(room.cards()) == 1)
    room.put(make_operation((DONE, RUNNING)))
    eventually(lambda: "joining vpn_ctrl" in room.card())
    room.put(make_operation((DONE, DONE), "done", sentence="The workers are two.", ended=time.time()))
    eventually(lambda: ":white_check_mark: Scale worker to 2" in room.card())
    eventually(lambda: len(room.thread()) == 1)
    assert len(room.cards()) == 1
    assert "The workers are two." in room.thread()[0]


def test_a_failed_step_is_told_in_the_thread_once(room: Room, make_operation: MakeOperation) -> None:
    room.start_bot()
    room.put(make_operation((FAILED, RUNNING)))
    eventually(lambda: room.cards() and len(room.thread()) == 1)
    assert "the build ended with status 2" in room.thread()[0]
    assert "make: *** no rule" in room.thread()[0]
    room.stop_bots()
    room.start_bot()
    room.put(make_operation((FAILED, DONE), "failed", ended=time.time(), sentence="worker101 could not be destroyed."))
    eventually(lambda: len(room.thread()) == 2)
    assert len(room.cards()) == 1


def test_a_bot_whose_controller_does_not_lead_listens_and_says_nothing(
    room: Room, make_operation: MakeOperation
) -> None:
    room.start_bot(speaks=False)
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    assert len(room.intents()) == 1
    room.put(make_operation((RUNNING, StepState())))
    room.start_bot()
    eventually(room.cards)
    room.put(make_operation((DONE, DONE), "done", ended=time.time()))
    eventually(lambda: len(room.thread()) == 1)
    assert len(room.cards()) == 1


def test_a_restarted_bot_goes_on_with_the_same_card(room: Room, make_operation: MakeOperation) -> None:
    room.start_bot()
    room.put(make_operation((RUNNING, StepState())))
    eventually(lambda: len(room.cards()) == 1)
    [before] = room.cards()
    room.stop_bots()
    room.put(make_operation((DONE, DONE), "done", ended=time.time()))
    room.start_bot()
    eventually(lambda: "took" in room.card())
    assert [card["ts"] for card in room.cards()] == [before["ts"]]


def test_a_restart_with_nothing_new_says_nothing(room: Room, make_operation: MakeOperation) -> None:
    room.start_bot()
    room.put(make_operation((DONE, DONE), "done", ended=time.time()))
    eventually(lambda: room.cards() and len(room.thread()) == 1)
    room.stop_bots()
    said = len(room.people.calls())
    room.start_bot()
    time.sleep(1.0)
    reading = {"auth.test", "apps.connections.open", "conversations.list", "conversations.history"}
    assert {call["method"] for call in room.people.calls()[said:]} <= reading


def test_what_ended_long_ago_is_not_told_to_a_new_channel(room: Room, make_operation: MakeOperation) -> None:
    room.put(make_operation((DONE, DONE), "done", ended=time.time() - 90_000))
    room.start_bot()
    room.store.put(keys.notice("n1"), Notice(id="n1", text="news", at=time.time()).to_json())
    eventually(room.cards)
    assert [card["text"] for card in room.cards()] == ["news"]


def test_a_card_that_was_left_running_is_ended_however_long_ago_that_was(
    room: Room, make_operation: MakeOperation
) -> None:
    room.start_bot()
    room.put(make_operation((RUNNING, RUNNING)))
    eventually(room.cards)
    room.stop_bots()
    room.put(make_operation((DONE, DONE), "done", ended=time.time() - 90_000))
    room.start_bot()
    eventually(lambda: ":white_check_mark: Scale worker to 2" in room.card())


def test_a_post_whose_answer_was_lost_is_not_repeated(room: Room, make_operation: MakeOperation) -> None:
    room.people.fault("chat.postMessage", lose_answer=True)
    room.start_bot()
    room.put(make_operation((RUNNING, StepState())))
    eventually(lambda: room.people.calls("conversations.history"))
    room.put(make_operation((DONE, DONE), "done", ended=time.time()))
    eventually(lambda: ":white_check_mark:" in room.card())
    assert len(room.cards()) == 1


def test_a_decision_takes_the_buttons_away_and_is_told(
    room: Room, asking: Operation, make_approval: Callable[..., Approval]
) -> None:
    room.start_bot()
    waiting = make_approval(expires=time.time() + 600)
    room.put_approval(waiting)
    room.put(asking)
    eventually(lambda: "approval.deny" in room.card())
    no = Decision(person="operator", approved=False, at=time.time())
    room.put_approval(waiting.model_copy(update={"status": "denied", "decisions": (no,)}))
    eventually(lambda: "approval.deny" not in room.card())
    room.put(asking.model_copy(update={"status": "denied", "ended": time.time()}))
    eventually(lambda: "Denied by operator." in room.card())
    eventually(lambda: len(room.thread()) == 2)
    assert "operator denied this plan" in room.thread()[0]


def test_slacks_rate_limits_are_obeyed(room: Room, make_operation: MakeOperation) -> None:
    room.people.fault("chat.postMessage", error="ratelimited", status=429, retry_after=2)
    room.start_bot()
    room.put(make_operation((RUNNING, StepState())))
    eventually(room.cards)
    first, second = room.people.calls("chat.postMessage")
    assert second["at"] - first["at"] >= 2.0


def test_many_operations_meet_no_rate_limit(room: Room, make_operation: MakeOperation) -> None:
    room.start_bot()
    for index in range(6):
        room.put(make_operation((RUNNING, StepState()), id=f"op{index}"))
        room.put(make_operation((DONE, RUNNING), id=f"op{index}"))
    eventually(lambda: len(room.cards()) == 6 and room.card().count("1 of 2 steps done") == 12)
    assert [call["error"] for call in room.people.calls() if not call["ok"]] == []


def test_what_flstr_did_by_itself_and_went_well_says_nothing_beyond_its_card(
    room: Room, make_operation: MakeOperation
) -> None:
    room.start_bot()
    by_itself = {"origin": Origin(display="flstr", place="by itself")}
    room.put(make_operation((DONE, DONE), "done", ended=time.time(), **by_itself))
    room.put(make_operation((DONE, FAILED), "failed", ended=time.time(), id="8b4c", **by_itself))
    eventually(lambda: [m for m in room.people.messages(CHANNEL) if m.get("subtype") == "thread_broadcast"])
    done, failed = sorted(room.cards(), key=lambda card: "failed" in card["text"])
    assert ":white_check_mark:" in str(done)
    assert room.people.messages(CHANNEL, thread_ts=done["ts"]) == [done]
    assert len(room.people.messages(CHANNEL, thread_ts=failed["ts"])) == 3


def test_the_end_is_broadcast_to_who_asked_and_who_followed(room: Room, make_operation: MakeOperation) -> None:
    room.start_bot()
    room.store.put(keys.follower("7f3a", OPERATOR), "")
    room.put(make_operation((DONE, DONE), "done", ended=time.time()))
    [end] = eventually(lambda: [m for m in room.people.messages(CHANNEL) if m.get("subtype") == "thread_broadcast"])
    assert f"<@{DEVELOPER}> <@{OPERATOR}>" in str(end["blocks"])


def test_a_long_output_is_uploaded_into_the_thread(room: Room, make_operation: MakeOperation) -> None:
    output = "\n".join(f"line {number} of the build" for number in range(2000))
    room.start_bot()
    room.put(make_operation((FAILED.model_copy(update={"output": output}), RUNNING)))
    eventually(lambda: room.cards() and len(room.thread_messages()) == 2)
    [file] = room.thread_messages()[1]["files"]
    assert room.people.download(file["url_private"]).decode() == output


def test_a_stop_leaves_no_card_that_says_in_progress_and_the_same_card_goes_on(
    room: Room, make_operation: MakeOperation
) -> None:
    room.start_bot()
    room.put(make_operation((DONE, RUNNING)))
    eventually(lambda: "in_progress" in room.card())
    [before] = room.cards()
    room.stop_bots()
    assert "paused; goes on when flstr starts again" in room.card()
    assert "in_progress" not in room.card()
    room.start_bot()
    eventually(lambda: "in_progress" in room.card())
    room.put(make_operation((DONE, DONE), "done", ended=time.time()))
    eventually(lambda: "took" in room.card())
    assert [card["ts"] for card in room.cards()] == [before["ts"]]


def test_a_controller_that_was_overtaken_does_not_call_paused_what_goes_on(
    room: Room, make_operation: MakeOperation
) -> None:
    room.start_bot()
    room.put(make_operation((DONE, RUNNING)))
    eventually(lambda: "in_progress" in room.card())
    room.store.put(keys.LEADER, "another")
    room.stop_bots()
    assert "in_progress" in room.card()


def test_a_card_that_somebody_deleted_is_posted_anew(room: Room, make_operation: MakeOperation) -> None:
    bot = room.start_bot()
    room.put(make_operation((DONE, RUNNING)))
    [card] = eventually(room.cards)
    eventually(lambda: room.is_noted("7f3a"))
    bot._client.chat_delete(channel=CHANNEL, ts=card["ts"])
    room.put(make_operation((DONE, DONE), "done", ended=time.time()))
    eventually(lambda: room.cards() and len(room.thread()) == 1)
    assert "took" in room.card()


def test_a_changed_notice_is_edited_in_place_also_after_a_day(room: Room) -> None:
    room.start_bot()
    notice = Notice(id="n1", text="a freeze holds 1 revision", at=time.time() - 80_000)
    room.store.put(keys.notice("n1"), notice.to_json())
    [before] = eventually(room.cards)
    later = notice.model_copy(update={"text": "a freeze holds 2 revisions", "at": time.time() - 90_000})
    room.store.put(keys.notice("n1"), later.to_json())
    eventually(lambda: "2 revisions" in room.card())
    assert [card["ts"] for card in room.cards()] == [before["ts"]]


def test_a_long_notice_goes_on_in_its_thread(room: Room) -> None:
    room.start_bot()
    lines = [f"line {number} of the notice" for number in range(800)]
    room.store.put(keys.notice("n1"), Notice(id="n1", text="\n".join(lines), at=time.time()).to_json())
    eventually(lambda: room.cards() and "line 799 of" in str(room.thread_messages()))
    blocks = [block for message in [*room.cards(), *room.thread_messages()] for block in message["blocks"]]
    assert "\n".join(block["text"]["text"] for block in blocks).split("\n") == lines


def test_a_notice_is_said_once(room: Room) -> None:
    room.start_bot()
    notice = Notice(id="n1", text=":warning: revision `a1b2c3d` is refused", at=time.time())
    room.store.put(keys.notice("n1"), notice.to_json())
    eventually(room.cards)
    room.stop_bots()
    room.start_bot()
    time.sleep(0.5)
    assert [card["text"] for card in room.cards()] == [":warning: revision `a1b2c3d` is refused"]


class TestWithoutPlanBlocks:
    @pytest.fixture
    def lab_settings(self) -> LabSettings:
        return replace(PATIENT, accept_plan_blocks=False)

    def test_refused_plan_blocks_become_sections(self, room: Room, make_operation: MakeOperation) -> None:
        room.start_bot()
        room.put(make_operation((DONE, RUNNING)))
        [card] = eventually(room.cards)
        assert [block["type"] for block in card["blocks"]] == ["header", "context", "section"]
        room.put(make_operation((DONE, DONE), "done", ended=time.time()))
        eventually(lambda: "2 of 2 steps done" in room.card())
        assert [call["error"] for call in room.people.calls() if not call["ok"]] == ["invalid_blocks"]
