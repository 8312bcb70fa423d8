"""The outbox with a clock that a test turns, and a Slack that writes down what it is asked."""

from itertools import pairwise
from typing import Any, cast
from urllib.error import URLError

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.channels import Channels
from bot.delivery import Delivery, Letter, TextFile
from bot.message import Message
from bot.news import News
from bot.outbox import Outbox
from bot.pace import Rank
from bot.shown import Cards
from gitops.store import Store
from model.errors import Refused

CHANNEL = "C01FLSTR"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Answer(dict[str, Any]):
    """An error as slack-sdk hands it over."""

    def __init__(self, error: str, status: int = 200, retry_after: str | None = None) -> None:
        super().__init__(ok=False, error=error)
        self.status_code = status
        self.headers = {} if retry_after is None else {"Retry-After": retry_after}


def api_error(error: str, status: int = 200, retry_after: str | None = None) -> SlackApiError:
    return SlackApiError(error, Answer(error, status, retry_after))  # type: ignore[no-untyped-call]


class Slack:
    """Keeps messages; `faults` are raised by the next calls of a method, `after` once the call was carried out."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, float]] = []
        self.faults: dict[str, list[Exception]] = {}
        self.faults_after: dict[str, list[Exception]] = {}
        self.refuses_plans = False
        self.homes: list[tuple[str, Any]] = []
        self.posted = 0

    def conversations_list(self, **_asked: Any) -> dict[str, Any]:
        self._called("conversations.list")
        return {
            "channels": [{"name": "flstr", "id": CHANNEL}, {"name": "ops", "id": "C02OPS"}],
            "response_metadata": {"next_cursor": ""},
        }

    def conversations_history(self, **_asked: Any) -> dict[str, Any]:
        self._called("conversations.history")
        return {"messages": [m for m in self.messages.values() if not m.get("thread_ts")]}

    def conversations_replies(self, ts: str, **_asked: Any) -> dict[str, Any]:
        self._called("conversations.replies")
        return {"messages": [m for m in self.messages.values() if m.get("thread_ts") == ts]}

    def chat_postMessage(self, **given: Any) -> dict[str, Any]:  # noqa: N802 - slack-sdk's name
        self._called("chat.postMessage", given["blocks"])
        ts = self._ts()
        self.messages[ts] = given | {"ts": ts}
        self._raise(self.faults_after, "chat.postMessage")
        return {"ts": ts}

    def chat_update(self, ts: str, **given: Any) -> dict[str, Any]:
        self._called("chat.update", given["blocks"])
        if ts not in self.messages:
            raise api_error("message_not_found")
        self.messages[ts] |= given
        return {"ts": ts}

    def files_upload_v2(self, filename: str, thread_ts: str | None, **_given: Any) -> None:
        self._called("files.upload")
        ts = self._ts()
        self.messages[ts] = {"ts": ts, "text": "", "thread_ts": thread_ts, "files": [{"name": filename}]}
        self._raise(self.faults_after, "files.upload")

    def views_publish(self, user_id: str, view: dict[str, Any]) -> None:
        self._called("views.publish")
        self.homes.append((user_id, view))

    def _ts(self) -> str:
        self.posted += 1
        return f"{self.posted}.0"

    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages.values()]

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def _called(self, method: str, blocks: list[dict[str, Any]] | None = None) -> None:
        self.calls.append((method, self.clock.now))
        self._raise(self.faults, method)
        if self.refuses_plans and any(block["type"] == "plan" for block in blocks or ()):
            raise api_error("invalid_blocks")

    @staticmethod
    def _raise(faults: dict[str, list[Exception]], method: str) -> None:
        if faults.get(method):
            raise faults[method].pop(0)


class Desk:
    """An outbox on an etcd, and the hand that turns its clock."""

    def __init__(self, store: Store, slack: Slack) -> None:
        self.slack = slack
        self.clock = slack.clock
        self.reads: list[str] = []
        client = cast(WebClient, slack)
        self.cards = Cards(store)
        self.cards.load()
        channels = Channels(client)
        self.outbox = Outbox(Delivery(client, self.cards, channels), self.cards, channels, self.clock)

    def put(self, record: str, text: str, *, rank: Rank = Rank.PROGRESS, **more: Any) -> None:
        """Have a record stand so; it is read when its turn comes, and counted in `reads`."""
        message = more.pop("message", None) or Message(text)
        status = more.pop("status", "state")
        letter = Letter(record, message, f"{status} {message.digest()}", "flstr", **more)

        def read() -> list[Letter]:
            self.reads.append(record)
            return [letter]

        parent = News(letter.parent, lambda: [], "flstr") if letter.parent else None
        self.outbox.put(News(record, read, "flstr", parent, rank))

    def run(self, seconds: float = 120.0) -> None:
        """Send until nothing is left or the time is over."""
        end = self.clock.now + seconds
        while self.clock.now <= end:
            pause = self.outbox.step()
            if pause == float("inf"):
                return
            self.clock.now += pause


@pytest.fixture
def slack() -> Slack:
    return Slack(Clock())


@pytest.fixture
def desk(store: Store, slack: Slack) -> Desk:
    return Desk(store, slack)


def test_a_record_is_posted_once_and_edited_afterwards(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    desk.put("op1", "done")
    desk.run()
    assert slack.methods() == ["conversations.list", "chat.postMessage", "chat.update"]
    assert slack.texts() == ["done"]


def test_the_newest_state_wins(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "first")
    desk.run()
    for index in range(50):
        desk.put("op1", f"step {index}")
    desk.run()
    assert slack.methods().count("chat.update") == 1
    assert slack.texts() == ["step 49"]
    assert desk.reads == ["op1", "op1"], "it is read when its turn comes, not each time it changes"


def test_a_state_that_stands_there_already_costs_nothing(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "done")
    desk.run()
    desk.put("op1", "done")
    desk.run()
    assert slack.methods().count("chat.postMessage") == 1
    assert "chat.update" not in slack.methods()


def test_posts_come_in_a_short_burst_and_then_a_second_apart(desk: Desk, slack: Slack) -> None:
    for index in range(20):
        desk.put(f"op{index:02}", f"op{index:02}")
    desk.run()
    times = [at for method, at in slack.calls if method == "chat.postMessage"]
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(times[3:]))
    assert slack.texts() == [f"op{index:02}" for index in range(20)], "old news comes before young"


def test_what_waits_for_a_person_goes_before_progress(desk: Desk, slack: Slack) -> None:
    for index in range(3):
        desk.put(f"op{index}", f"op{index}")
    desk.put("asking", "asking", rank=Rank.DECISIVE)
    desk.run()
    assert slack.texts() == ["asking", "op0", "op1", "op2"]


def test_a_change_that_comes_while_another_is_sent_is_sent_afterwards(desk: Desk, slack: Slack) -> None:
    def read_and_change() -> list[Letter]:
        desk.put("op1", "second")
        return [Letter("op1", Message("first"), "first", "flstr")]

    desk.outbox.put(News("op1", read_and_change, "flstr"))
    desk.run()
    assert slack.texts() == ["second"]
    assert slack.methods() == ["conversations.list", "chat.postMessage", "chat.update"]


def test_what_cannot_be_read_holds_up_nothing_and_is_read_again(desk: Desk, slack: Slack) -> None:
    answers = [Refused("etcd does not answer"), None]

    def read() -> list[Letter]:
        if (problem := answers.pop(0)) is not None:
            raise problem
        return [Letter("op1", Message("at last"), "1", "flstr")]

    desk.outbox.put(News("op1", read, "flstr"))
    desk.put("op2", "op2")
    desk.run()
    assert slack.texts() == ["op2", "at last"]


def test_a_home_is_published_as_it_is_when_its_turn_comes(desk: Desk, slack: Slack) -> None:
    views: list[dict[str, Any] | None] = [{"type": "home"}, None]
    for _ in range(3):
        desk.outbox.publish("U01OPERATOR", lambda: views.pop(0))
    desk.run()
    desk.outbox.publish("U01OPERATOR", lambda: views.pop(0))
    desk.run()
    assert slack.homes == [("U01OPERATOR", {"type": "home"})]


def test_what_a_stop_still_sends_is_what_it_was_given(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    desk.put("op2", "never")
    desk.outbox.stop([News("op1", lambda: [Letter("op1", Message("paused"), "paused", "flstr")], "flstr")])
    desk.put("op3", "too late")
    desk.run()
    assert slack.texts() == ["paused"]


LOG = TextFile("step-1.log", "Output", "all of it")


def put_file(desk: Desk) -> None:
    desk.put("op1", "card")
    desk.run()
    desk.put("op1/file", "no file", parent="op1", file=LOG)
    desk.run()


def test_a_file_is_uploaded_into_its_thread_once(desk: Desk, slack: Slack) -> None:
    put_file(desk)
    put_file(desk)
    assert [m["files"] for m in slack.messages.values() if m.get("files")] == [[{"name": "step-1.log"}]]
    assert slack.methods().count("files.upload") == 1


def test_a_file_whose_answer_was_lost_is_looked_for_by_its_name(desk: Desk, slack: Slack) -> None:
    slack.faults_after["files.upload"] = [URLError("connection reset")]
    put_file(desk)
    assert "conversations.replies" in slack.methods()
    assert slack.methods().count("files.upload") == 1


def test_where_files_are_refused_a_message_says_so(desk: Desk, slack: Slack) -> None:
    slack.faults["files.upload"] = [api_error("missing_scope")]
    put_file(desk)
    assert slack.texts() == ["card", "no file"]


def test_a_reply_that_is_broadcast_says_so_to_slack(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "card")
    desk.run()
    desk.put("op1/end", "end", parent="op1", broadcast=True)
    desk.run()
    assert [message["reply_broadcast"] for message in slack.messages.values()] == [None, True]


def test_a_broadcast_whose_answer_was_lost_is_not_made_twice(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "card")
    desk.run()
    slack.faults_after["chat.postMessage"] = [TimeoutError()]
    desk.put("op1/end", "end", parent="op1", broadcast=True)
    desk.run()
    assert slack.texts() == ["card", "end"]


def test_where_the_card_of_a_thread_was_deleted_it_is_posted_anew_with_what_the_thread_has_to_hear(
    desk: Desk, slack: Slack
) -> None:
    def card() -> list[Letter]:
        return [Letter("op1", Message("card"), "1", "flstr")]

    news = News("op1", card, "flstr")
    desk.outbox.put(news)
    desk.run()
    slack.messages.clear()
    slack.faults["chat.postMessage"] = [api_error("thread_not_found")]
    end = Letter("op1/end", Message("end"), "1", "flstr", "op1")
    desk.outbox.put(News("op1/thread", lambda: [end], "flstr", news))
    desk.run()
    assert [(m["text"], m["thread_ts"]) for m in slack.messages.values()] == [("card", None), ("end", "2.0")]


def test_a_thread_waits_for_its_card(desk: Desk, slack: Slack) -> None:
    desk.put("op1/end", "the end", parent="op1")
    desk.run()
    assert slack.messages == {}
    desk.put("op1", "card")
    desk.run()
    assert [(m["text"], m["thread_ts"]) for m in slack.messages.values()] == [("card", None), ("the end", "1.0")]


def test_retry_after_is_obeyed_and_holds_up_nothing_else(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "op1")
    desk.run()
    slack.faults["chat.postMessage"] = [api_error("ratelimited", 429, "30")]
    asked = desk.clock.now
    desk.put("op2", "op2")
    desk.put("op1", "op1 done")
    desk.run()
    posts = [at for method, at in slack.calls if method == "chat.postMessage"]
    edits = [at for method, at in slack.calls if method == "chat.update"]
    assert posts[-1] - posts[-2] >= 29.9
    assert edits[0] - asked < 5.0
    assert slack.texts() == ["op1 done", "op2"]


def test_a_post_whose_answer_was_lost_is_found_and_not_made_twice(desk: Desk, slack: Slack) -> None:
    slack.faults_after["chat.postMessage"] = [URLError("connection reset")]
    desk.put("op1", "running")
    desk.run()
    assert slack.texts() == ["running"]
    assert slack.methods().count("chat.postMessage") == 1
    assert "conversations.history" in slack.methods()


def test_a_post_that_never_arrived_is_made_again(desk: Desk, slack: Slack) -> None:
    slack.faults["chat.postMessage"] = [URLError("refused"), api_error("", 503)]
    desk.put("op1", "running")
    desk.run()
    assert slack.texts() == ["running"]
    assert slack.methods().count("conversations.history") == 2


def test_a_reply_whose_answer_was_lost_is_looked_for_in_its_thread(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "card")
    desk.run()
    slack.faults_after["chat.postMessage"] = [TimeoutError()]
    desk.put("op1/end", "end", parent="op1")
    desk.run()
    assert slack.texts() == ["card", "end"]
    assert "conversations.replies" in slack.methods()


def test_an_edit_is_simply_made_again(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    slack.faults["chat.update"] = [ConnectionResetError()]
    desk.put("op1", "done")
    desk.run()
    assert slack.texts() == ["done"]
    assert "conversations.history" not in slack.methods()


def test_a_kill_between_post_and_note_is_healed(store: Store, desk: Desk, slack: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    desk.cards.put(desk.cards.get("op1").model_copy(update={"ts": "", "shown": ""}))  # type: ignore[union-attr]
    successor = Desk(store, slack)
    successor.put("op1", "done")
    successor.run()
    assert slack.texts() == ["done"]


def test_a_successor_goes_on_with_the_same_card(store: Store, desk: Desk, slack: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    successor = Desk(store, slack)
    successor.put("op1", "done")
    successor.run()
    assert slack.texts() == ["done"]
    assert "conversations.history" not in slack.methods()


def test_where_looking_is_not_allowed_the_card_is_posted_anew(desk: Desk, slack: Slack) -> None:
    slack.faults["chat.postMessage"] = [URLError("refused")]
    slack.faults["conversations.history"] = [api_error("missing_scope")]
    desk.put("op1", "running")
    desk.run()
    assert slack.texts() == ["running"]


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message"])
def test_a_card_that_cannot_be_edited_is_posted_anew(desk: Desk, slack: Slack, error: str) -> None:
    desk.put("op1", "running")
    desk.run()
    slack.faults["chat.update"] = [api_error(error)]
    desk.put("op1", "done")
    desk.run()
    assert slack.texts() == ["running", "done"]
    desk.put("op1", "done, really")
    desk.run()
    assert slack.texts() == ["running", "done, really"]


PLAN = Message("text", ({"type": "plan"},), ({"type": "section"},))


def test_refused_plan_blocks_become_sections_and_are_not_tried_again(desk: Desk, slack: Slack) -> None:
    slack.refuses_plans = True
    desk.put("op1", "", message=PLAN)
    desk.run()
    desk.put("op2", "", message=Message("other", PLAN.blocks, PLAN.plain_blocks))
    desk.run()
    assert [message["blocks"] for message in slack.messages.values()] == [[{"type": "section"}]] * 2
    assert slack.methods().count("chat.postMessage") == 3


def test_where_every_block_is_refused_the_text_is_said(desk: Desk, slack: Slack) -> None:
    slack.faults["chat.postMessage"] = [api_error("invalid_blocks")] * 2
    desk.put("op1", "", message=PLAN)
    desk.run()
    assert [(m["text"], m["blocks"]) for m in slack.messages.values()] == [("text", [])]


def test_an_unknown_channel_is_asked_for_again(desk: Desk, slack: Slack) -> None:
    slack.faults["conversations.list"] = [api_error("ratelimited", 429, "7"), URLError("down")]
    desk.put("op1", "running")
    desk.run()
    assert slack.texts() == ["running"]
    assert slack.methods().count("conversations.list") == 3


def test_a_message_that_slack_never_takes_holds_up_nothing(desk: Desk, slack: Slack) -> None:
    slack.faults["chat.postMessage"] = [api_error("msg_too_long")]
    desk.put("op1", "one")
    desk.put("op2", "two")
    desk.run()
    assert slack.texts() == ["two"]


def test_a_hundred_operations_stay_within_the_budgets_and_end_true(desk: Desk, slack: Slack) -> None:
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
    assert sorted(slack.texts()) == sorted(f"{index} done" for index in range(100))
    edits = [at for method, at in slack.calls if method == "chat.update"]
    assert max(sum(at <= other < at + 60.0 for other in edits) for at in edits) <= 50
    assert len(desk.reads) <= len(slack.calls) + 5, "what is read is sent"
    assert sum(at < began + 5.0 for at in edits if at >= began) >= 30, "edits are kept back for the ends"


def test_once_hushed_it_sends_nothing_but_what_is_said_last(desk: Desk, slack: Slack) -> None:
    desk.put("op1", "running")
    desk.run()
    desk.put("op1", "done")
    desk.outbox.hush()
    desk.put("op2", "another leads by now")
    desk.run()
    assert slack.texts() == ["running"]
    paused = Letter("op1", Message("paused"), "paused", "flstr")
    desk.outbox.stop([News("op1", lambda: [paused], "flstr")])
    desk.run()
    assert slack.texts() == ["paused"]


def test_what_etcd_has_forgotten_is_kept_no_longer(desk: Desk) -> None:
    desk.put("op1", "running", status="running")
    desk.put("op1/end", "the end")
    desk.put("op11", "done")
    desk.run()
    desk.cards.drop("op1")
    assert [desk.cards.get(record) is None for record in ("op1", "op1/end", "op11")] == [True, True, False]
    assert desk.cards.under_way() == frozenset()


def test_what_was_not_posted_goes_where_the_cluster_speaks_by_then(desk: Desk, slack: Slack) -> None:
    slack.faults["chat.postMessage"] = [api_error("not_in_channel")]
    places = ["flstr", "ops"]
    letters = {place: Letter("op1", Message(place), "done", place) for place in places}
    desk.outbox.put(News("op1", lambda: [letters[places[0]]], "flstr"))
    desk.run(1.0)
    places.pop(0)
    desk.run()
    assert [(message["channel"], message["text"]) for message in slack.messages.values()] == [("C02OPS", "ops")]
