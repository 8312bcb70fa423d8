"""App Home, as slack_bolt publishes and hears of it."""

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient

from lab.slack.client import ControlError, SlackControl
from tests.lab.slack.workspace import APPROVE, DEVELOPER, OPERATOR, Connect, Eventually, Json


def test_app_home_is_opened_and_published(
    app: App, connect: Connect, people: SlackControl, eventually: Eventually
) -> None:
    @app.event("app_home_opened")
    def opened(event: Json, client: WebClient) -> None:
        section = {"type": "section", "text": {"type": "mrkdwn", "text": "*The fleet*"}}
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section]})

    connect()
    people.open_home(OPERATOR)
    eventually(lambda: people.home(OPERATOR))
    assert people.home(DEVELOPER) is None


def test_a_button_in_app_home_is_an_action_of_its_view(
    app: App, connect: Connect, web: WebClient, people: SlackControl
) -> None:
    clicks: list[Json] = []

    @app.action("approve")
    def approve(ack: Ack, body: Json) -> None:
        clicks.append(body)
        ack()

    connect()
    view_id = str(web.views_publish(user_id=OPERATOR, view={"type": "home", "blocks": [APPROVE]})["view"]["id"])
    assert people.click(OPERATOR, "approve", view_id=view_id)["acknowledged"]
    assert clicks[0]["view"]["type"] == "home"
    with pytest.raises(ControlError, match="not_found"):
        people.click(DEVELOPER, "approve", view_id=view_id)
