"""What is sent, in which order, and how often: the newest state, within the budgets."""

from itertools import pairwise
from typing import Any

from bot.delivery import Letter
from bot.message import Message
from bot.news import News
from bot.pace import Rank
from model.errors import Refused
from tests.bot.sending import Desk, Slack, api_error


def test_a_record_is_posted_once_and_edited_afterwards(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    desk.put("op1", "done")
    desk.run()
    assert slack_double.methods() == ["conversations.list", "chat.postMessage", "chat.update"]
    assert slack_double.texts() == ["done"]


def test_the_newest_state_wins(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "first")
    desk.run()
    for index in range(50):
        desk.put("op1", f"step {index}")
    desk.run()
    assert slack_double.methods().count("chat.update") == 1
    assert slack_double.texts() == ["step 49"]
    assert desk.reads == ["op1", "op1"], "it is read when its turn comes, not each time it changes"


def test_a_state_that_stands_there_already_costs_nothing(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "done")
    desk.run()
    desk.put("op1", "done")
    desk.run()
    assert slack_double.methods().count("chat.postMessage") == 1
    assert "chat.update" not in slack_double.methods()


def test_posts_come_in_a_short_burst_and_then_a_second_apart(desk: Desk, slack_double: Slack) -> None:
    for index in range(20):
        desk.put(f"op{index:02}", f"op{index:02}")
    desk.run()
    times = [at for method, at in slack_double.calls if method == "chat.postMessage"]
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(times[3:]))
    assert slack_double.texts() == [f"op{index:02}" for index in range(20)], "old news comes before young"


def test_what_waits_for_a_person_goes_before_progress(desk: Desk, slack_double: Slack) -> None:
    for index in range(3):
        desk.put(f"op{index}", f"op{index}")
    desk.put("asking", "asking", rank=Rank.DECISIVE)
    desk.run()
    assert slack_double.texts() == ["asking", "op0", "op1", "op2"]


def test_a_change_that_comes_while_another_is_sent_is_sent_afterwards(desk: Desk, slack_double: Slack) -> None:
    def read_and_change() -> list[Letter]:
        desk.put("op1", "second")
        return [Letter("op1", Message("first"), "first", "flstr")]

    desk.outbox.put(News("op1", read_and_change, "flstr"))
    desk.run()
    assert slack_double.texts() == ["second"]
    assert slack_double.methods() == ["conversations.list", "chat.postMessage", "chat.update"]


def test_what_cannot_be_read_holds_up_nothing_and_is_read_again(desk: Desk, slack_double: Slack) -> None:
    answers = [Refused("etcd does not answer"), None]

    def read() -> list[Letter]:
        if (problem := answers.pop(0)) is not None:
            raise problem
        return [Letter("op1", Message("at last"), "1", "flstr")]

    desk.outbox.put(News("op1", read, "flstr"))
    desk.put("op2", "op2")
    desk.run()
    assert slack_double.texts() == ["op2", "at last"]


def test_a_home_is_published_as_it_is_when_its_turn_comes(desk: Desk, slack_double: Slack) -> None:
    views: list[dict[str, Any] | None] = [{"type": "home"}, None]
    for _ in range(3):
        desk.outbox.publish("U01OPERATOR", lambda: views.pop(0))
    desk.run()
    desk.outbox.publish("U01OPERATOR", lambda: views.pop(0))
    desk.run()
    assert slack_double.homes == [("U01OPERATOR", {"type": "home"})]


def test_what_a_stop_still_sends_is_what_it_was_given(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    desk.put("op2", "never")
    desk.outbox.stop([News("op1", lambda: [Letter("op1", Message("paused"), "paused", "flstr")], "flstr")])
    desk.put("op3", "too late")
    desk.run()
    assert slack_double.texts() == ["paused"]


def test_a_thread_waits_for_its_card(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1/end", "the end", parent="op1")
    desk.run()
    assert slack_double.messages == {}
    desk.put("op1", "card")
    desk.run()
    assert [(m["text"], m["thread_ts"]) for m in slack_double.messages.values()] == [("card", None), ("the end", "1.0")]


def test_a_reply_that_is_broadcast_says_so_to_slack(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "card")
    desk.run()
    desk.put("op1/end", "end", parent="op1", broadcast=True)
    desk.run()
    assert [message["reply_broadcast"] for message in slack_double.messages.values()] == [None, True]


def test_a_hundred_operations_stay_within_the_budgets_and_end_true(desk: Desk, slack_double: Slack) -> None:
    for index in range(100):
        desk.put(f"op{index}", f"{index} running", status="running")
    for step in range(20):
        desk.run(5.0)
        for index in range(100):
            desk.put(f"op{index}", f"{index} step {step}", status="running")
    for index in range(100):
        desk.put(f"op{index}", f"{index} done", rank=Rank.DECISIVE)
    began = desk.clock.now
    desk.run(600.0)
    assert sorted(slack_double.texts()) == sorted(f"{index} done" for index in range(100))
    edits = [at for method, at in slack_double.calls if method == "chat.update"]
    assert max(sum(at <= other < at + 60.0 for other in edits) for at in edits) <= 50
    assert len(desk.reads) <= len(slack_double.calls) + 5, "what is read is sent"
    assert sum(at < began + 5.0 for at in edits if at >= began) >= 30, "edits are kept back for the ends"


def test_once_hushed_it_sends_nothing_but_what_is_said_last(desk: Desk, slack_double: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    desk.put("op1", "done")
    desk.outbox.hush()
    desk.put("op2", "another leads by now")
    desk.run()
    assert slack_double.texts() == ["running"]
    paused = Letter("op1", Message("paused"), "paused", "flstr")
    desk.outbox.stop([News("op1", lambda: [paused], "flstr")])
    desk.run()
    assert slack_double.texts() == ["paused"]


def test_what_etcd_has_forgotten_is_kept_no_longer(desk: Desk) -> None:
    desk.put("op1", "running", status="running")
    desk.put("op1/end", "the end")
    desk.put("op11", "done")
    desk.run()
    desk.cards.drop("op1")
    assert [desk.cards.get(record) is None for record in ("op1", "op1/end", "op11")] == [True, True, False]
    assert desk.cards.under_way() == frozenset()


def test_what_was_not_posted_goes_where_the_cluster_speaks_by_then(desk: Desk, slack_double: Slack) -> None:
    slack_double.faults["chat.postMessage"] = [api_error("not_in_channel")]
    places = ["flstr", "ops"]
    letters = {place: Letter("op1", Message(place), "done", place) for place in places}
    desk.outbox.put(News("op1", lambda: [letters[places[0]]], "flstr"))
    desk.run(1.0)
    places.pop(0)
    desk.run()
    assert [(message["channel"], message["text"]) for message in slack_double.messages.values()] == [("C02OPS", "ops")]
