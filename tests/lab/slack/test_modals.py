"""Modals, as slack_bolt opens, updates and hears of them."""

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from lab.slack.client import ControlError, SlackControl
from tests.lab.slack.workspace import FLSTR, OPERATOR, Connect, Json

MODAL: Json = {
    "type": "modal",
    "callback_id": "deploy",
    "title": {"type": "plain_text", "text": "Deploy"},
    "submit": {"type": "plain_text", "text": "Go"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "commit",
            "label": {"type": "plain_text", "text": "Commit"},
            "element": {"type": "plain_text_input", "action_id": "hash"},
        },
        {
            "type": "input",
            "block_id": "app",
            "optional": True,
            "label": {"type": "plain_text", "text": "App"},
            "element": {"type": "external_select", "action_id": "app_name", "min_query_length": 1},
        },
    ],
}


def open_modal(app: App, connect: Connect, people: SlackControl) -> Json:
    @app.command("/flstr")
    def listen(ack: Ack, client: WebClient, body: Json) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        ack()

    connect()
    assert people.type(OPERATOR, FLSTR, "/flstr")["acknowledged"]
    return people.modals(OPERATOR)[-1]


def test_a_modal_is_opened_completed_and_submitted(app: App, connect: Connect, people: SlackControl) -> None:
    submitted: list[Json] = []

    @app.view("deploy")
    def submit(ack: Ack, view: Json) -> None:
        submitted.append(view["state"]["values"])
        if view["state"]["values"]["commit"]["hash"]["value"] == "nope":
            ack(response_action="errors", errors={"commit": "No such commit."})
        else:
            ack()

    view_id = open_modal(app, connect, people)["id"]
    assert people.submit(OPERATOR, view_id, {})["errors"] == {"commit": "Please complete this required field."}
    assert submitted == []
    assert people.submit(OPERATOR, view_id, {"commit": "nope"})["errors"] == {"commit": "No such commit."}
    assert people.modals(OPERATOR)
    assert people.submit(OPERATOR, view_id, {"commit": "a1b2c3", "app": "influencer"})["acknowledged"]
    assert people.modals(OPERATOR) == []
    assert submitted[-1]["app"]["app_name"]["selected_option"]["value"] == "influencer"


def test_a_modal_is_updated_by_the_answer_and_cancelled(app: App, connect: Connect, people: SlackControl) -> None:
    closed: list[Json] = []
    app.view("deploy")(
        lambda ack: ack(response_action="update", view=MODAL | {"title": {"type": "plain_text", "text": "Sure?"}})
    )

    @app.view_closed("deploy")
    def close(ack: Ack, body: Json) -> None:
        closed.append(body)
        ack()

    view_id = open_modal(app, connect, people)["id"]
    people.submit(OPERATOR, view_id, {"commit": "a1b2c3"})
    assert people.modals(OPERATOR)[0]["title"]["text"] == "Sure?"
    people.close(OPERATOR, view_id)
    assert people.modals(OPERATOR) == []
    assert len(closed) == 1


def test_an_external_select_asks_the_app_for_options(app: App, connect: Connect, people: SlackControl) -> None:
    @app.options("app_name")
    def offer(ack: Ack, payload: Json) -> None:
        name = payload["value"] + "fluencer"
        ack(options=[{"text": {"type": "plain_text", "text": name}, "value": name}])

    view = open_modal(app, connect, people)
    assert people.suggest(OPERATOR, view["id"], "app_name", "in")[0]["value"] == "influencer"


def test_a_modal_is_put_on_another_and_all_are_cleared(app: App, connect: Connect, people: SlackControl) -> None:
    closed: list[Json] = []

    @app.view("deploy")
    def submit(ack: Ack, view: Json) -> None:
        if view["previous_view_id"]:
            ack(response_action="clear")
        else:
            ack(response_action="push", view=MODAL | {"private_metadata": "step two"})

    @app.view_closed("deploy")
    def close(ack: Ack, body: Json) -> None:
        closed.append(body)
        ack()

    first = open_modal(app, connect, people)
    people.submit(OPERATOR, first["id"], {"commit": "a1b2c3"})
    second = people.modals(OPERATOR)[-1]
    assert (second["root_view_id"], second["private_metadata"]) == (first["id"], "step two")
    people.close(OPERATOR, second["id"])
    assert (closed[0]["is_cleared"], [view["id"] for view in people.modals(OPERATOR)]) == (False, [first["id"]])
    people.submit(OPERATOR, first["id"], {"commit": "a1b2c3"})
    assert people.submit(OPERATOR, people.modals(OPERATOR)[-1]["id"], {"commit": "a1b2c3"})["acknowledged"]
    assert people.modals(OPERATOR) == []


def test_an_update_of_a_modal_that_changed_meanwhile_is_refused(
    app: App, connect: Connect, web: WebClient, people: SlackControl
) -> None:
    view = open_modal(app, connect, people)
    web.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        web.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)


def test_what_is_offered_in_groups_comes_back_with_its_words(app: App, connect: Connect, people: SlackControl) -> None:
    submitted: list[Json] = []
    offered = {"text": {"type": "plain_text", "text": "Influencer"}, "value": "influencer"}

    @app.options("app_name")
    def offer(ack: Ack) -> None:
        ack(option_groups=[{"label": {"type": "plain_text", "text": "Apps"}, "options": [offered]}])

    @app.view("deploy")
    def submit(ack: Ack, view: Json) -> None:
        submitted.append(view["state"]["values"]["app"]["app_name"]["selected_option"])
        ack()

    view = open_modal(app, connect, people)
    assert people.suggest(OPERATOR, view["id"], "app_name", "in") == [offered]
    people.submit(OPERATOR, view["id"], {"commit": "a1b2c3", "app": "influencer"})
    assert submitted == [offered]


def test_an_input_tells_of_itself_only_where_its_block_asks_for_it(
    app: App, connect: Connect, people: SlackControl
) -> None:
    view = open_modal(app, connect, people)
    with pytest.raises(ControlError, match="action_not_dispatched"):
        people.click(OPERATOR, "hash", view_id=view["id"], value="a1b2c3")


def test_a_trigger_opens_one_modal(app: App, connect: Connect, web: WebClient, people: SlackControl) -> None:
    def error_of(trigger_id: str, view: Json = MODAL) -> str:
        with pytest.raises(SlackApiError) as refused:
            web.views_open(trigger_id=trigger_id, view=view)
        return str(refused.value.response["error"])

    app.command("/flstr")(lambda ack: ack())
    connect()
    trigger_id = people.type(OPERATOR, FLSTR, "/flstr")["trigger_id"]
    assert error_of(trigger_id, MODAL | {"blocks": [{"type": "nonsense"}]}) == "invalid_arguments"
    web.views_open(trigger_id=trigger_id, view=MODAL)
    assert error_of(trigger_id) == "exchanged_trigger_id"
    assert error_of("1.2.3") == "invalid_trigger_id"
