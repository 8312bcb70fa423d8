"""Somebody who asks all the while knows who was answered, and what was asked in vain."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from lab.slack.background import BackgroundSlack
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings
from tests.story.ticking import Ticking

PATIENT, IMPATIENT = SlackSettings(), SlackSettings(ack_seconds=0.2)
# Only where a command is to be repeated may Slack lose its patience before a busy app has had its turn.
repeating = pytest.mark.parametrize("slack", [IMPATIENT], indirect=True, ids=["impatient"])


@pytest.fixture
def slack(request: pytest.FixtureRequest) -> Iterator[SlackApi]:
    with BackgroundSlack(SlackApi(settings=getattr(request, "param", PATIENT))) as running:
        yield running.api


@pytest.fixture
def app(slack: SlackApi) -> Iterator[App]:
    """An app that is connected, and has no listeners yet."""
    app = App(client=WebClient(token=slack.bot_token, base_url=slack.api_url), raise_error_for_unhandled_request=False)
    handler = SocketModeHandler(app, slack.app_token)
    handler.connect()  # type: ignore[no-untyped-call]
    yield app
    handler.close()  # type: ignore[no-untyped-call]


def tick(slack: SlackApi, times: int) -> Ticking:
    with Ticking(slack.url, every=0.02, pause=0.01) as ticking:
        while ticking.commands < times:
            time.sleep(0.01)
    return ticking


def test_everybody_who_was_answered_is_counted(slack: SlackApi, app: App) -> None:
    @app.command("/flstr")
    def answer(ack: Any, respond: Any) -> None:
        ack(":hourglass_flowing_sand: status …")
        respond("all well", replace_original=False)

    ticking = tick(slack, 5)
    assert (ticking.commands >= 5, ticking.repeated, ticking.unanswered()) == (True, 0, 0)
    assert ticking.slowest() > 0


def test_what_was_taken_and_then_forgotten_is_found(slack: SlackApi, app: App) -> None:
    @app.command("/flstr")
    def forget(ack: Any) -> None:
        ack(":hourglass_flowing_sand: status …")

    ticking = tick(slack, 3)
    assert ticking.unanswered(0.2) == ticking.commands
    assert ticking.slowest() == 0


@repeating
def test_a_command_that_nobody_takes_is_repeated(slack: SlackApi, app: App) -> None:
    numbers = itertools.count(1)

    @app.command("/flstr")
    def answer_every_second_one(ack: Any) -> None:
        if next(numbers) % 2 == 0:
            ack("all well")

    ticking = tick(slack, 2)
    assert ticking.repeated >= ticking.most_repeated > 0
    # The time is counted from the first typing, before Slack's patience had an end.
    assert ticking.slowest() > IMPATIENT.ack_seconds
    assert ticking.unanswered() == 0


@repeating
def test_without_anybody_all_are_unanswered(slack: SlackApi) -> None:
    ticking = tick(slack, 2)
    assert ticking.unanswered(0.2) == ticking.commands
