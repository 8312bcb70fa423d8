"""What people type and click becomes intents, through the real slack-bolt, whatever happens to the connection."""

import time
from collections.abc import Callable

import pytest

from bot.service import Bot, SlackSettings
from gitops.intents import answer
from gitops.registry import Registry
from gitops.store import Store
from lab.slack.background import BackgroundSlack
from lab.slack.client import SlackControl
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings as LabSettings
from model.attachment import Reply
from model.operation import Approval, Operation
from tests.bot.room import CHANNEL, DEVELOPER, OPERATOR, Room, eventually
from tests.ports import free_port


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
        ("/flstr help", "• `/flstr deploy <app>@<commit> [--anyway]` "),
        ("/flstr help scale", "`/flstr scale <app or pool> <count> [--yes]`"),
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
    answer(room.store, intent, Reply("You approved it."))
    eventually(lambda: (OPERATOR, "You approved it.") in room.ephemeral())
    assert len(room.cards()) == 1


def test_commands_work_again_after_a_disconnect(room: Room) -> None:
    bot = room.start_bot()
    room.people.disconnect("refresh_requested")
    eventually(lambda: len(room.people.calls("apps.connections.open")) >= 4 and bot.connected())
    eventually(lambda: room.people.type(DEVELOPER, CHANNEL, "/flstr sync")["acknowledged"])
    assert room.intents()


def test_a_proxy_in_the_environment_does_not_matter(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    room.start_bot()
    room.people.type(DEVELOPER, CHANNEL, "/flstr status")
    [intent] = room.intents()
    answer(room.store, intent, Reply("all well"))
    eventually(lambda: (DEVELOPER, "all well") in room.ephemeral())
    assert room.people.calls("chat.postEphemeral") == [], "the response_url was reached"


def test_an_etcd_that_does_not_answer_is_one_sentence(lab_settings: LabSettings) -> None:
    with BackgroundSlack(SlackApi(settings=lab_settings)) as running:
        people = SlackControl(running.api.url)
        nowhere = Registry(Store([f"http://127.0.0.1:{free_port()}"]))
        bot = Bot(nowhere, SlackSettings(running.api.bot_token, running.api.app_token, running.api.api_url))
        bot.listen()
        eventually(bot.connected)
        typed = people.type(DEVELOPER, CHANNEL, "/flstr sync")
        assert typed["response"]["text"].startswith(":warning: etcd does not answer")
        bot.stop()


def test_a_slack_that_is_down_at_the_start_is_waited_for(store: Store, lab_settings: LabSettings) -> None:
    api, port = SlackApi(settings=lab_settings), free_port()
    bot = Bot(Registry(store), SlackSettings(api.bot_token, api.app_token, f"http://127.0.0.1:{port}/api/"))
    bot.listen()
    assert not bot.connected()
    with BackgroundSlack(api, port=port):
        eventually(bot.connected)
        SlackControl(api.url).disconnect("abort")
        bot.stop()
