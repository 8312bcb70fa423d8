"""What Slack refuses, loses or forgets is made good, and nothing is said twice."""

from urllib.error import URLError

import pytest

from bot.delivery import Letter, TextFile
from bot.message import Message
from bot.news import News
from gitops.store import Store
from tests.bot.sending import Desk, Slack, api_error

LOG = TextFile("step-1.log", "Output", "all of it")
PLAN = Message("text", ({"type": "plan"},), ({"type": "section"},))


def put_file(desk: Desk) -> None:
    desk.put("op1", "card")
    desk.run()
    desk.put("op1/file", "no file", parent="op1", file=LOG)
    desk.run()


def test_a_file_is_uploaded_into_its_thread_once(desk: Desk, slack_double: Slack) -> None:
    put_file(desk)
    put_file(desk)
    assert [m["files"] for m in slack_double.messages.values() if m.get("files")] == [[{"name": "step-1.log"}]]
    assert slack_double.methods().count("files.upload") == 1


def test_a_file_whose_answer_was_lost_is_looked_for_by_its_name(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults_after["files.upload"] = [URLError("connection reset")]
    put_file(desk)
    assert "conversations.replies" in slack_double.methods()
    assert slack_double.methods().count("files.upload") == 1


def test_where_files_are_refused_a_message_says_so(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults["files.upload"] = [api_error("missing_scope")]
    put_file(desk)
    assert slack_double.texts() == ["card", "no file"]


def test_a_broadcast_whose_answer_was_lost_is_not_made_twice(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "card")
    desk.run()
    slack_double.faults_after["chat.postMessage"] = [TimeoutError()]
    desk.put("op1/end", "end", parent="op1", broadcast=True)
    desk.run()
    assert slack_double.texts() == ["card", "end"]


def test_where_the_card_of_a_thread_was_deleted_it_is_posted_anew_with_what_the_thread_has_to_hear(
    desk: Desk, slack_double: Slack
) -> None:
    def card() -> list[Letter]:
        return [Letter("op1", Message("card"), "1", "flstr")]

    news = News("op1", card, "flstr")
    desk.outbox.put(news)
    desk.run()
    slack_double.messages.clear()
    slack_double.faults["chat.postMessage"] = [api_error("thread_not_found")]
    end = Letter("op1/end", Message("end"), "1", "flstr", "op1")
    desk.outbox.put(News("op1/thread", lambda: [end], "flstr", news))
    desk.run()
    assert [(m["text"], m["thread_ts"]) for m in slack_double.messages.values()] == [("card", None), ("end", "2.0")]


def test_retry_after_is_obeyed_and_holds_up_nothing_else(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "op1")
    desk.run()
    slack_double.faults["chat.postMessage"] = [api_error("ratelimited", 429, "30")]
    asked = desk.clock.now
    desk.put("op2", "op2")
    desk.put("op1", "op1 done")
    desk.run()
    posts = [at for method, at in slack_double.calls if method == "chat.postMessage"]
    edits = [at for method, at in slack_double.calls if method == "chat.update"]
    assert posts[-1] - posts[-2] >= 29.9
    assert edits[0] - asked < 5.0
    assert slack_double.texts() == ["op1 done", "op2"]


def test_a_post_whose_answer_was_lost_is_found_and_not_made_twice(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults_after["chat.postMessage"] = [URLError("connection reset")]
    desk.put("op1", "running")
    desk.run()
    assert slack_double.texts() == ["running"]
    assert slack_double.methods().count("chat.postMessage") == 1
    assert "conversations.history" in slack_double.methods()


def test_a_post_that_never_arrived_is_made_again(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults["chat.postMessage"] = [URLError("refused"), api_error("", 503)]
    desk.put("op1", "running")
    desk.run()
    assert slack_double.texts() == ["running"]
    assert slack_double.methods().count("conversations.history") == 2


def test_a_reply_whose_answer_was_lost_is_looked_for_in_its_thread(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "card")
    desk.run()
    slack_double.faults_after["chat.postMessage"] = [TimeoutError()]
    desk.put("op1/end", "end", parent="op1")
    desk.run()
    assert slack_double.texts() == ["card", "end"]
    assert "conversations.replies" in slack_double.methods()


def test_an_edit_is_simply_made_again(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    slack_double.faults["chat.update"] = [ConnectionResetError()]
    desk.put("op1", "done")
    desk.run()
    assert slack_double.texts() == ["done"]
    assert "conversations.history" not in slack_double.methods()


def test_a_kill_between_post_and_note_is_healed(store: Store, desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    desk.cards.put(desk.cards.get("op1").model_copy(update={"ts": "", "shown": ""}))  # type: ignore[union-attr]
    successor = Desk(store, slack_double)
    successor.put("op1", "done")
    successor.run()
    assert slack_double.texts() == ["done"]


def test_a_successor_goes_on_with_the_same_card(store: Store, desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    successor = Desk(store, slack_double)
    successor.put("op1", "done")
    successor.run()
    assert slack_double.texts() == ["done"]
    assert "conversations.history" not in slack_double.methods()


def test_where_looking_is_not_allowed_the_card_is_posted_anew(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults["chat.postMessage"] = [URLError("refused")]
    slack_double.faults["conversations.history"] = [api_error("missing_scope")]
    desk.put("op1", "running")
    desk.run()
    assert slack_double.texts() == ["running"]


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message"])
def test_a_card_that_cannot_be_edited_is_posted_anew(desk: Desk, slack_double: Slack, error: str) -> None:
    desk.put("op1", "running")
    desk.run()
    slack_double.faults["chat.update"] = [api_error(error)]
    desk.put("op1", "done")
    desk.run()
    assert slack_double.texts() == ["running", "done"]
    desk.put("op1", "done, really")
    desk.run()
    assert slack_double.texts() == ["running", "done, really"]


def test_refused_plan_blocks_become_sections_and_are_not_tried_again(desk: Desk, slack_double: Slack) -> None:
    slack_double.refuses_plans = True
    desk.put("op1", "", message=PLAN)
    desk.run()
    desk.put("op2", "", message=Message("other", PLAN.blocks, PLAN.plain_blocks))
    desk.run()
    assert [message["blocks"] for message in slack_double.messages.values()] == [[{"type": "section"}]] * 2
    assert slack_double.methods().count("chat.postMessage") == 3


def test_where_every_block_is_refused_the_text_is_said(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults["chat.postMessage"] = [api_error("invalid_blocks")] * 2
    desk.put("op1", "", message=PLAN)
    desk.run()
    assert [(m["text"], m["blocks"]) for m in slack_double.messages.values()] == [("text", [])]


def test_an_unknown_channel_is_asked_for_again(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults["conversations.list"] = [api_error("ratelimited", 429, "7"), URLError("down")]
    desk.put("op1", "running")
    desk.run()
    assert slack_double.texts() == ["running"]
    assert slack_double.methods().count("conversations.list") == 3


def test_a_message_that_slack_never_takes_holds_up_nothing(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults["chat.postMessage"] = [api_error("msg_too_long")]
    desk.put("op1", "one")
    desk.put("op2", "two")
    desk.run()
    assert slack_double.texts() == ["two"]
