"""The bot on the lab's Slack and a real etcd, through the real slack-bolt."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.listeners import Listeners
from bot.service import Bot, SlackSettings
from gitops.intents import answer
from gitops.registry import Registry
from gitops.store import Store
from lab.slack.background import BackgroundSlack
from lab.slack.client import SlackControl
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings as LabSettings
from model import keys
from model.attachment import Attachment
from model.cluster import Cluster
from model.operation import Approval, Decision, Intent, Notice, Operation, StepState

CHANNEL = "C01FLSTR"
OPERATOR, DEVELOPER = "U01OPERATOR", "U02DEVELOPER"

DONE = StepState(status="done")
RUNNING = StepState(status="running", detail="joining vpn_ctrl")
FAILED = StepState(status="failed", detail="the build ended with status 2", output="make: *** no rule\n")

MakeOperation = Callable[..., Operation]
Json = dict[str, Any]


class Room:
    """A workspace, an etcd, and the bots that were started between them."""

    def __init__(self, store: Store, api: SlackApi) -> None:
        self.store = store
        self.api = api
        self.people = SlackControl(api.url)
        self._bots: list[Bot] = []

    def start_bot(self, *, speaks: bool = True) -> Bot:
        settings = SlackSettings(self.api.bot_token, self.api.app_token, self.api.api_url)
        bot = Bot(Registry(self.store), settings)
        self._bots.append(bot)
        bot.listen()
        if speaks:
            bot.speak()
        eventually(bot.connected)
        return bot

    def stop_bots(self) -> None:
        if self._bots:
            # The SDK's close waits for a receive that takes up to 3 s on a live connection.
            self.people.disconnect("abort")
        for bot in self._bots:
            bot.stop()
        self._bots = []

    def put(self, operation: Operation) -> None:
        self.store.put(keys.operation(operation.id), operation.to_json())

    def put_approval(self, approval: Approval) -> None:
        self.store.put(keys.approval(approval.id), approval.to_json())

    def intents(self) -> list[Intent]:
        return [Intent.model_validate_json(value) for value in self.store.prefix(keys.INTENTS).values()]

    def cards(self) -> list[Json]:
        """What stands in the channel itself, for everybody."""
        return [
            message
            for message in self.people.messages(CHANNEL)
            if message.get("thread_ts") in (None, message["ts"]) and not message["ephemeral_to"]
        ]

    def card(self) -> str:
        return json.dumps(self.cards(), ensure_ascii=False)

    def thread(self) -> list[str]:
        """What was said below the only card."""
        [card] = self.cards()
        replies = self.people.messages(CHANNEL, thread_ts=card["ts"])
        return [json.dumps(m["blocks"], ensure_ascii=False) for m in replies if m["ts"] != card["ts"]]

    def ephemeral(self) -> list[tuple[str, str]]:
        return [(m["ephemeral_to"], m["text"]) for m in self.people.messages(CHANNEL) if m["ephemeral_to"]]


def eventually(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < until, f"still {found!r}"
        time.sleep(0.05)
    return found


@pytest.fixture
def lab_settings() -> LabSettings:
    return LabSettings()


@pytest.fixture
def room(store: Store, lab_settings: LabSettings) -> Iterator[Room]:
    people = {
        "operator": {"slack": OPERATOR, "email": "operator@flstr.lab", "may": ["approve"]},
        "developer": {"slack": DEVELOPER, "email": "developer@flstr.lab", "may": ["approve", "scale"]},
    }
    pools = {"worker": {"role": "worker", "count": 2}}
    cluster = Cluster.model_validate({"cluster": "flstr-lab", "channel": "flstr", "pools": pools, "people": people})
    store.put(keys.CLUSTER, cluster.to_json())
    with BackgroundSlack(SlackApi(settings=lab_settings)) as running:
        room = Room(store, running.api)
        yield room
        room.stop_bots()


def test_a_command_becomes_an_intent(room: Room) -> None:
    room.start_bot()
    typed = room.people.type(DEVELOPER, CHANNEL, "/flstr deploy influencer@a1b2c3")
    assert typed["response"]["text"] == ":hourglass_flowing_sand: deploy influencer@a1b2c3 …"
    assert typed["response"]["ephemeral_to"] == DEVELOPER
    [intent] = room.intents()
    assert (intent.verb, intent.arguments, intent.status) == ("deploy", ("influencer@a1b2c3",), "new")
    assert intent.words == "/flstr deploy influencer@a1b2c3"
    assert (intent.asker.place, intent.asker.user, intent.asker.channel) == ("slack", DEVELOPER, CHANNEL)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("/flstr", "• `/flstr deploy <app>@<commit>` "),
        ("/flstr help scale", "`/flstr scale <app or pool> <count>`"),
        ("/flstr depoly x@y", ":warning: depoly is not a verb; did you mean deploy?"),
        ("/flstr " + "x" * 4000, ":warning: that line has 4000 characters; a command has at most 1000."),
    ],
)
def test_help_and_refusals_are_answered_at_once(room: Room, line: str, wanted: str) -> None:
    room.start_bot()
    typed = room.people.type(OPERATOR, CHANNEL, line)
    assert typed["response"]["text"].startswith(wanted)
    assert room.intents() == []


def test_a_command_delivered_twice_is_one_intent(room: Room) -> None:
    room.start_bot()
    room.people.duplicate(1)
    room.people.type(DEVELOPER, CHANNEL, "/flstr sync")
    room.people.type(DEVELOPER, CHANNEL, "/flstr sync")
    time.sleep(0.5)
    assert len(room.intents()) == 2


def test_an_answer_reaches_the_person_who_asked_and_nobody_else(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    answer(room.store, intent, "*2 nodes*, all well")
    eventually(lambda: (DEVELOPER, "*2 nodes*, all well") in room.ephemeral())
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])


def test_an_answer_written_while_the_bot_was_away_arrives_later(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    room.stop_bots()
    [intent] = room.intents()
    answer(room.store, intent, "all well")
    room.start_bot()
    eventually(lambda: (DEVELOPER, "all well") in room.ephemeral())


def test_a_long_answer_is_split_without_loss(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    lines = [f"line {index} of the answer" for index in range(1500)]
    answer(room.store, intent, "\n".join(lines))
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    parts = [text for person, text in room.ephemeral() if "of the answer" in text]
    assert "\n".join(parts).split("\n") == lines
    assert len(parts) > 5, "more than a response_url takes"


def test_an_answer_whose_response_url_is_used_up_comes_as_an_ephemeral_message(room: Room) -> None:
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    dead = intent.asker.model_copy(update={"response_url": f"{room.api.url}/response/none"})
    stale = intent.model_copy(update={"asker": dead})
    room.store.put(keys.intent(intent.id), stale.to_json())
    answer(room.store, stale, "all well")
    eventually(lambda: (DEVELOPER, "all well") in room.ephemeral())
    assert len(room.people.calls("chat.postEphemeral")) == 1


PICTURE = Attachment.of("networks.png", "Networks of flstr-lab", "Two machines, all up.", b"\x89PNG picture")


def ask_for_a_picture(room: Room) -> None:
    room.people.type(DEVELOPER, CHANNEL, "/flstr graph")
    [intent] = room.intents()
    answer(room.store, intent, "*vpn_ctrl*: all up", attachment=PICTURE)


def test_a_picture_comes_to_the_channel_after_the_words_and_is_kept_no_longer(room: Room) -> None:
    room.start_bot()
    ask_for_a_picture(room)
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])
    assert (DEVELOPER, "*vpn_ctrl*: all up") in room.ephemeral()
    [file] = room.cards()[-1]["files"]
    assert (file["name"], file["title"], file["alt_txt"]) == (PICTURE.name, PICTURE.title, PICTURE.alt)
    assert room.people.download(file["url_private"]) == PICTURE.content
    eventually(lambda: room.store.prefix(keys.ATTACHMENTS) == {})


def test_a_picture_that_slack_does_not_take_is_not_passed_over_in_silence(room: Room) -> None:
    room.people.fault("files.completeUploadExternal", error="not_in_channel")
    room.start_bot()
    ask_for_a_picture(room)
    sentence = ":warning: The picture cannot be posted here, where I am not; `/invite @flstr` and ask again."
    eventually(lambda: (DEVELOPER, sentence) in room.ephemeral())
    eventually(lambda: [one.status for one in room.intents()] == ["delivered"])


def test_a_picture_is_tried_again_after_slack_was_away(room: Room) -> None:
    room.people.fault("files.getUploadURLExternal", error="internal_error")
    room.start_bot()
    ask_for_a_picture(room)
    eventually(lambda: any(card.get("files") for card in room.cards()))
    assert len(room.people.calls("files.completeUploadExternal")) == 1


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
    assert {call["method"] for call in room.people.calls()[said:]} <= {"auth.test", "apps.connections.open"}


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


def test_a_click_becomes_an_intent(room: Room, asking: Operation, make_approval: Callable[..., Approval]) -> None:
    room.start_bot()
    room.put_approval(make_approval(expires=time.time() + 600))
    room.put(asking)
    eventually(lambda: "approval.approve" in room.card())
    assert f"<@{OPERATOR}>" in room.card()
    assert f"<@{DEVELOPER}>" not in room.card(), "who asked may not approve"
    [card] = room.cards()
    room.people.duplicate(1)
    room.people.click(OPERATOR, "approval.approve", channel=CHANNEL, ts=card["ts"])
    [intent] = eventually(room.intents)
    assert (intent.verb, intent.arguments, intent.asker.user) == ("approve", ("appr-1",), OPERATOR)
    answer(room.store, intent, "You approved it.")
    eventually(lambda: (OPERATOR, "You approved it.") in room.ephemeral())
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


def test_a_notice_is_said_once(room: Room) -> None:
    room.start_bot()
    notice = Notice(id="n1", text=":warning: revision `a1b2c3d` is refused", at=time.time())
    room.store.put(keys.notice("n1"), notice.to_json())
    eventually(room.cards)
    room.stop_bots()
    room.start_bot()
    time.sleep(0.5)
    assert [card["text"] for card in room.cards()] == [":warning: revision `a1b2c3d` is refused"]


def test_commands_work_again_after_a_disconnect(room: Room) -> None:
    bot = room.start_bot()
    room.people.disconnect("refresh_requested")
    eventually(lambda: len(room.people.calls("apps.connections.open")) == 2 and bot.connected())
    eventually(lambda: room.people.type(DEVELOPER, CHANNEL, "/flstr sync")["acknowledged"])
    assert room.intents()


def test_a_proxy_in_the_environment_does_not_matter(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    answer(room.store, intent, "all well")
    eventually(lambda: (DEVELOPER, "all well") in room.ephemeral())
    assert room.people.calls("chat.postEphemeral") == [], "the response_url was reached"


class TestWithoutPlanBlocks:
    @pytest.fixture
    def lab_settings(self) -> LabSettings:
        return LabSettings(accept_plan_blocks=False)

    def test_refused_plan_blocks_become_sections(self, room: Room, make_operation: MakeOperation) -> None:
        room.start_bot()
        room.put(make_operation((DONE, RUNNING)))
        [card] = eventually(room.cards)
        assert [block["type"] for block in card["blocks"]] == ["header", "context", "section"]
        room.put(make_operation((DONE, DONE), "done", ended=time.time()))
        eventually(lambda: "2 of 2 steps done" in room.card())
        assert [call["error"] for call in room.people.calls() if not call["ok"]] == ["invalid_blocks"]


def test_an_etcd_that_does_not_answer_is_one_sentence(lab_settings: LabSettings) -> None:
    with BackgroundSlack(SlackApi(settings=lab_settings)) as running:
        people = SlackControl(running.api.url)
        app = App(client=WebClient(running.api.bot_token, base_url=running.api.api_url))
        Listeners(Store([f"http://127.0.0.1:{free_port()}"])).register(app)
        handler = SocketModeHandler(app, running.api.app_token)
        handler.connect()  # type: ignore[no-untyped-call]  # as bolt has it
        typed = people.type(DEVELOPER, CHANNEL, "/flstr sync")
        assert typed["response"]["text"].startswith(":warning: etcd does not answer")
        people.disconnect("abort")
        handler.close()  # type: ignore[no-untyped-call]


def test_a_slack_that_is_down_at_the_start_is_waited_for(store: Store, lab_settings: LabSettings) -> None:
    api, port = SlackApi(settings=lab_settings), free_port()
    bot = Bot(Registry(store), SlackSettings(api.bot_token, api.app_token, f"http://127.0.0.1:{port}/api/"))
    bot.listen()
    assert not bot.connected()
    with BackgroundSlack(api, port=port):
        eventually(bot.connected)
        SlackControl(api.url).disconnect("abort")
        bot.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
