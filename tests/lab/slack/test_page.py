"""The page in a real browser: a person reads, types, clicks, and is another person."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from lab.slack.client import SlackControl
from tests.lab.slack.workspace import Impatient

pytestmark = pytest.mark.browser

Json = dict[str, Any]
Connect = Callable[[], SocketModeHandler]
FLSTR = "C01FLSTR"
OPERATOR = "U01OPERATOR"
DEVELOPER = "U02DEVELOPER"


def button(action_id: str, text: str, **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": text}, **more}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def confirm(title: str) -> Json:
    texts = {"title": title, "text": "This cannot be undone.", "confirm": "Destroy it", "deny": "Keep it"}
    return {name: {"type": "plain_text", "text": text} for name, text in texts.items()} | {"style": "danger"}


def test_a_command_is_typed_and_its_answer_read_by_its_person_only(page: Page, app: App, connect: Connect) -> None:
    app.command("/flstr")(lambda ack, body: ack(f"you asked for *{body['text']}*"))
    connect()
    expect(page.get_by_test_id("presence")).to_have_text("flstr is connected")
    page.get_by_label("Message #flstr").fill("/flstr status")
    page.keyboard.press("Enter")
    answer = page.get_by_test_id("message")
    expect(answer).to_contain_text("you asked for status")
    expect(answer).to_contain_text("Only visible to you")
    expect(answer.locator("strong", has_text="status")).to_be_visible()
    page.get_by_role("radio", name="developer").click()
    expect(page.get_by_test_id("message")).to_have_count(0)


def test_what_is_typed_outlasts_that_the_page_draws_its_place_anew(page: Page) -> None:
    page.get_by_label("Message #flstr").fill("half a sentence")
    page.get_by_role("radio", name="developer").click()
    page.get_by_test_id("place-general").click()
    expect(page.get_by_label("Message #general")).to_have_value("")
    page.get_by_test_id("place-flstr").click()
    expect(page.get_by_label("Message #flstr")).to_have_value("half a sentence")
    page.get_by_label("Message #flstr").press("Enter")
    expect(page.get_by_test_id("message")).to_contain_text("half a sentence")
    expect(page.get_by_label("Message #flstr")).to_have_value("")


def test_people_talk_and_unread_channels_are_marked(page: Page, people: SlackControl) -> None:
    page.get_by_label("Message #flstr").fill("hello @developer, see #general")
    page.keyboard.press("Enter")
    message = page.get_by_test_id("message")
    expect(message.locator(".mention")).to_have_text(["@developer", "#general"])
    people.type(DEVELOPER, "C02GENERAL", "over here")
    expect(page.get_by_test_id("place-general").get_by_label("unread")).to_be_visible()
    page.get_by_test_id("place-general").click()
    expect(page.get_by_test_id("message")).to_contain_text("over here")
    expect(page.get_by_label("unread")).to_have_count(0)


def test_a_button_asks_before_it_acts(page: Page, app: App, connect: Connect, web: WebClient) -> None:
    clicks: list[str] = []

    @app.action("approve")
    def approve(ack: Ack, body: Json, respond: Respond) -> None:
        ack()
        clicks.append(body["user"]["id"])
        respond(text=f":white_check_mark: approved by <@{body['user']['id']}>", replace_original=True)

    connect()
    elements = [button("approve", "Approve", style="primary", confirm=confirm("Destroy worker103?"))]
    web.chat_postMessage(channel=FLSTR, text="?", blocks=[{"type": "actions", "elements": elements}])
    page.get_by_role("radio", name="reviewer").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("alertdialog", name="Destroy worker103?").get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    assert clicks == []
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Destroy it").click()
    expect(page.get_by_test_id("message")).to_contain_text("✅ approved by @reviewer")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert clicks == ["U03REVIEWER"]


def test_a_click_that_nobody_answers_says_so(page: Page, web: WebClient) -> None:
    web.chat_postMessage(channel=FLSTR, text="?", blocks=[{"type": "actions", "elements": [button("go", "Go")]}])
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_test_id("notice")).to_contain_text("flstr did not answer (dispatch_failed)")


def test_a_modal_is_filled_in_corrected_and_submitted(page: Page, app: App, connect: Connect) -> None:
    submitted: list[Json] = []
    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("influencer", "web")]
    inputs = {
        "app": {"type": "static_select", "action_id": "a", "options": options},
        "commit": {"type": "plain_text_input", "action_id": "c"},
        "how": {"type": "radio_buttons", "action_id": "h", "options": options},
    }
    view = {
        "type": "modal",
        "callback_id": "deploy",
        "title": {"type": "plain_text", "text": "Deploy an app"},
        "submit": {"type": "plain_text", "text": "Deploy"},
        "blocks": [
            {"type": "input", "block_id": n, "label": {"type": "plain_text", "text": n.title()}, "element": e}
            for n, e in inputs.items()
        ],
    }

    @app.command("/flstr")
    def open_modal(ack: Ack, body: Json, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("deploy")
    def submit(ack: Ack, view: Json) -> None:
        values = view["state"]["values"]
        if values["commit"]["c"]["value"] == "nope":
            ack(response_action="errors", errors={"commit": "There is no such commit."})
        else:
            submitted.append(values)
            ack()

    connect()
    page.get_by_label("Message #flstr").fill("/flstr")
    page.keyboard.press("Enter")
    modal = page.get_by_role("dialog", name="Deploy an app")
    modal.get_by_label("App").select_option("influencer")
    modal.get_by_label("Commit").fill("nope")
    modal.get_by_role("button", name="Deploy", exact=True).click()
    expect(modal.get_by_test_id("input-how").get_by_role("alert")).to_have_text("Please complete this required field.")
    modal.get_by_role("radio", name="web").check()
    modal.get_by_role("button", name="Deploy", exact=True).click()
    expect(modal.get_by_role("alert")).to_have_text("There is no such commit.")
    modal.get_by_label("Commit").fill("a1b2c3")
    modal.get_by_role("button", name="Deploy", exact=True).click()
    expect(modal).to_have_count(0)
    assert submitted[0]["app"]["a"]["selected_option"]["value"] == "influencer"
    assert submitted[0]["how"]["h"]["selected_option"]["value"] == "web"


def test_a_thread_is_opened_and_answered(page: Page, web: WebClient, people: SlackControl) -> None:
    root = str(web.chat_postMessage(channel=FLSTR, text="Deploy influencer")["ts"])
    web.chat_postMessage(channel=FLSTR, text="built in 8 s", thread_ts=root)
    page.get_by_role("button", name=re.compile("1 reply")).click()
    pane = page.get_by_role("complementary", name="Thread")
    expect(pane.get_by_test_id("message")).to_have_count(2)
    pane.get_by_label("Reply", exact=True).fill("thank you")
    page.keyboard.press("Enter")
    expect(pane.get_by_test_id("message").last).to_contain_text("thank you")
    expect(page.get_by_test_id("thread-line")).to_contain_text("2 replies")
    assert people.messages(FLSTR, thread_ts=root)[-1]["user"] == OPERATOR
    pane.get_by_role("button", name="Close thread").click()
    expect(pane).to_be_hidden()


def test_a_plan_goes_on_as_it_is_updated(page: Page, web: WebClient) -> None:
    def plan(*states: str) -> list[Json]:
        tasks = [
            {"type": "task_card", "task_id": str(n), "title": f"Step {n}", "status": state}
            for n, state in enumerate(states)
        ]
        return [{"type": "plan", "title": "Deploy influencer", "tasks": tasks}]

    ts = str(web.chat_postMessage(channel=FLSTR, text="x", blocks=plan("in_progress", "pending"))["ts"])
    card = page.get_by_test_id("plan")
    expect(card).to_contain_text("0 of 2")
    web.chat_update(channel=FLSTR, ts=ts, text="x", blocks=plan("complete", "error"))
    expect(card).to_contain_text("1 of 2")
    expect(card.get_by_test_id("task").nth(1)).to_have_attribute("data-status", "error")
    expect(card.get_by_role("img", name="done")).to_be_visible()
    expect(page.get_by_test_id("message")).not_to_contain_text("(edited)")
    web.chat_update(channel=FLSTR, ts=ts, text="over")
    expect(page.get_by_test_id("message")).to_contain_text("over(edited)")


def test_app_home_shows_what_the_app_publishes(page: Page, app: App, connect: Connect) -> None:
    @app.event("app_home_opened")
    def opened(event: Json, client: WebClient) -> None:
        blocks = [section(f"*The fleet* of <@{event['user']}>")]
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    connect()
    page.get_by_test_id("place-flstr home").click()
    expect(page.get_by_test_id("home")).to_contain_text("The fleet of @operator")


def test_text_stays_text(page: Page, web: WebClient) -> None:
    evil = "<img src=x onerror=alert(1)> &lt;b&gt;bold&lt;/b&gt; <javascript:alert(1)|click> `<i>`"
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}
    rich["elements"][0]["elements"] = [{"type": "link", "url": "javascript:alert(2)", "text": "run"}]  # type: ignore[index]
    blocks = [section(evil), {"type": "markdown", "text": f"[go](javascript:alert(3)) {evil}"}, rich]
    web.chat_postMessage(channel=FLSTR, text=evil)
    web.chat_postMessage(channel=FLSTR, text="x", blocks=blocks)
    messages = page.get_by_test_id("message")
    expect(messages).to_have_count(2)
    expect(messages.first).to_contain_text("<b>bold</b>")
    assert page.locator(".content img, .content b, .content i").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0


def test_markup_is_drawn_as_slack_draws_it(page: Page, web: WebClient) -> None:
    lines = ["*bold* _it_ ~gone~ `code` <https://flstr.lab|the site> :rocket:", "> quoted", "• one", "• two"]
    lines += ["```", "a *b*", "```", "2*3*4 a_b_c"]
    web.chat_postMessage(channel=FLSTR, text="\n".join(lines))
    message = page.get_by_test_id("message")
    for tag, inside in (("strong", "bold"), ("em", "it"), ("s", "gone"), ("code", "code"), ("pre", "a *b*")):
        expect(message.locator(f".text {tag}")).to_have_text(inside)
    expect(message.locator("blockquote")).to_have_text("quoted")
    expect(message.locator("li")).to_have_text(["one", "two"])
    expect(message.get_by_role("link", name="the site")).to_have_attribute("href", "https://flstr.lab")
    expect(message).to_contain_text("🚀")
    expect(message).to_contain_text("2*3*4 a_b_c")


def test_a_markdown_block_and_a_coloured_attachment_are_drawn(page: Page, web: WebClient) -> None:
    text = "# Nodes\n\n| node | role |\n|---|---|\n| worker101 | **worker** |\n\n- [x] joined\n- `tinc`"
    attachment = {"color": "#cf2e4a", "blocks": [section("*Failed*")]}
    web.chat_postMessage(channel=FLSTR, text="x", blocks=[{"type": "markdown", "text": text}], attachments=[attachment])
    message = page.get_by_test_id("message")
    expect(message.get_by_role("heading", name="Nodes")).to_be_visible()
    expect(message.get_by_role("cell")).to_have_text(["worker101", "worker"])
    expect(message.locator("li")).to_have_text(["☑ joined", "tinc"])
    expect(message.locator(".attachment")).to_have_text("Failed")


def test_a_modal_that_nobody_answers_stays_and_says_so(
    page: Page, web: WebClient, app: App, connect: Connect, people: SlackControl, impatient: Impatient
) -> None:
    app.command("/flstr")(lambda ack: ack())
    connect()
    trigger_id = people.type(OPERATOR, FLSTR, "/flstr")["trigger_id"]
    title = {"type": "plain_text", "text": "Sure?"}
    view = {"type": "modal", "title": title, "submit": title, "blocks": [section("Nobody listens for this one.")]}
    web.views_open(trigger_id=trigger_id, view=view)
    modal = page.get_by_role("dialog", name="Sure?")
    trouble = "We had some trouble connecting (operation_timeout). Try again?"
    with impatient():
        modal.get_by_role("button", name="Sure?").click()
        expect(modal.get_by_role("alert")).to_have_text(trouble)
    modal.get_by_role("button", name="Cancel").click()
    expect(modal).to_have_count(0)


def test_a_file_shows_its_first_lines(page: Page, web: WebClient) -> None:
    web.files_upload_v2(channel=FLSTR, filename="build.log", content="\n".join(f"line {n}" for n in range(30)))
    expect(page.get_by_test_id("message")).to_contain_text("line 7")
    expect(page.get_by_test_id("message")).to_contain_text("22 more lines")


def test_the_page_catches_up_after_it_was_away(page: Page, people: SlackControl) -> None:
    page.context.set_offline(True)
    people.type(DEVELOPER, FLSTR, "said while you were away")
    page.context.set_offline(False)
    page.reload()
    expect(page.get_by_test_id("message")).to_contain_text("said while you were away")
