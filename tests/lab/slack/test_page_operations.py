"""The page as an operations room uses it: mentions, completion, modals with search, ephemeral answers, App Home."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from lab.slack.client import SlackControl
from tests.lab.slack.workspace import APPROVE, FLSTR, OPERATOR, Connect, Json

pytestmark = pytest.mark.browser

BOX = "Message #flstr"


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(name: str, **more: Any) -> Json:
    return {"text": plain(name), "value": name, **more}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def input_block(name: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": name, "label": plain(name.title()), "element": element, **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal",
        "callback_id": "m",
        "title": plain("Deploy"),
        "submit": plain("Go"),
        "blocks": blocks,
    } | more


def opens(app: App, view: Json) -> None:
    """Bare `/flstr` opens `view`."""

    @app.command("/flstr")
    def listen(ack: Ack, body: Json, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=view)


def send(page: Page, line: str) -> None:
    page.get_by_label(BOX).fill(line)
    page.keyboard.press("Enter")


def test_a_command_is_completed_and_shows_its_usage(page: Page, app: App, connect: Connect) -> None:
    app.command("/flstr")(lambda ack, body: ack(f"you asked for {body['text']}"))
    connect()
    page.get_by_label(BOX).press_sequentially("/fl")
    expect(page.get_by_role("option", name="/flstr")).to_contain_text("[deploy | scale")
    page.keyboard.press("Tab")
    expect(page.get_by_label(BOX)).to_have_value("/flstr ")
    expect(page.get_by_test_id("usage")).to_contain_text("/flstr [deploy")
    page.keyboard.type("status")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message")).to_contain_text("you asked for status")
    expect(page.get_by_test_id("usage")).to_be_hidden()


def test_a_mention_is_completed_and_heard_by_the_app(page: Page, app: App, connect: Connect) -> None:
    app.event("message")(lambda: None)

    @app.event("app_mention")
    def mentioned(event: Json, say: Any) -> None:
        say(text=f"heard: {event['text'].partition('> ')[2]}", thread_ts=event["ts"])

    connect()
    page.get_by_label(BOX).press_sequentially("@fls")
    page.keyboard.press("Enter")
    expect(page.get_by_label(BOX)).to_have_value("@flstr ")
    page.keyboard.type("status")
    page.keyboard.press("Enter")
    expect(page.locator(".mention")).to_have_text("@flstr")
    page.get_by_role("button", name=re.compile("1 reply")).click()
    expect(page.get_by_role("log", name="Replies")).to_contain_text("heard: status")


def test_groups_broadcasts_and_dates_are_drawn_as_people_read_them(page: Page, web: WebClient) -> None:
    text = f"<@{OPERATOR}> <!subteam^S01OPERATORS> <!channel> since <!date^1700000000^{{date_short}}|a while>"
    web.chat_postMessage(channel=FLSTR, text=text)
    message = page.get_by_test_id("message")
    expect(message.locator(".mention")).to_have_text(["@operator", "@operators", "@channel"])
    expect(message.locator(".text time")).to_have_text("Nov 14, 2023")
    send(page, "hey @operators and @here")
    expect(page.get_by_test_id("message").last.locator(".mention")).to_have_text(["@operators", "@here"])


def test_an_ephemeral_answer_with_buttons_is_replaced_and_goes(
    page: Page, app: App, connect: Connect, people: SlackControl
) -> None:
    @app.command("/flstr")
    def listen(ack: Ack) -> None:
        ack(text="Really?", blocks=[section("Really?"), APPROVE])

    @app.action("approve")
    def approve(ack: Ack, respond: Respond, body: Json) -> None:
        ack()
        if body["container"]["is_ephemeral"] and "Really?" in str(body["message"]):
            respond(text="Sure?", blocks=[section("Quite sure?"), APPROVE], replace_original=True)
        else:
            respond(delete_original=True)

    connect()
    send(page, "/flstr destroy")
    message = page.get_by_test_id("message")
    expect(message).to_contain_text("Only visible to you")
    page.get_by_role("button", name="Approve").click()
    expect(message).to_contain_text("Quite sure?")
    expect(message).to_have_count(1)
    page.get_by_role("button", name="Approve").click()
    expect(message).to_have_count(0)
    assert people.messages(FLSTR) == []


def test_a_broadcast_names_its_thread_and_leads_to_it(page: Page, web: WebClient) -> None:
    root = str(web.chat_postMessage(channel=FLSTR, text="Deploy *influencer*")["ts"])
    web.chat_postMessage(channel=FLSTR, text="it failed", thread_ts=root, reply_broadcast=True)
    expect(page.get_by_test_id("message").last).to_contain_text("replied to a thread: Deploy influencer")
    page.get_by_test_id("broadcast").click()
    pane = page.get_by_role("complementary", name="Thread")
    expect(pane.get_by_test_id("message")).to_have_count(2)
    expect(pane.get_by_test_id("broadcast")).to_have_count(0)


def test_an_external_select_is_searched_and_chosen_by_the_keyboard(page: Page, app: App, connect: Connect) -> None:
    submitted: list[Json] = []
    asked: list[str] = []
    element = {"type": "external_select", "action_id": "app", "min_query_length": 2}
    opens(app, modal(input_block("app", element), input_block("why", {"type": "plain_text_input", "action_id": "w"})))

    @app.options("app")
    def offer(ack: Ack, payload: Json) -> None:
        asked.append(payload["value"])
        names = [name for name in ("influencer", "invoices", "web") if payload["value"] in name]
        ack(option_groups=[{"label": plain("Apps"), "options": [option(name) for name in names]}] if names else [])

    @app.view("m")
    def submit(ack: Ack, view: Json) -> None:
        submitted.append(view["state"]["values"]["app"]["app"]["selected_option"])
        ack()

    connect()
    send(page, "/flstr")
    field = page.get_by_role("combobox", name="App")
    field.press_sequentially("i")
    expect(page.get_by_role("listbox", name="Options for App")).to_contain_text("Type 2 or more characters.")
    field.press_sequentially("n")
    expect(page.get_by_role("option")).to_have_text(["influencer", "invoices"])
    expect(page.get_by_role("dialog").get_by_role("heading", name="Apps")).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("invoices")
    expect(page.get_by_role("listbox", name="Options for App")).to_be_hidden()
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("alert")).to_have_text("Please complete this required field.")
    expect(page.get_by_label("Why")).to_be_focused()
    expect(field).to_have_value("invoices")
    field.press_sequentially("zz")
    expect(page.get_by_role("listbox", name="Options for App")).to_contain_text("No results")
    page.get_by_label("Why").fill("because")
    expect(field).to_have_value("invoices")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert (submitted[0]["value"], asked[0]) == ("invoices", "in")


def test_what_was_chosen_is_not_searched_for_any_more(page: Page, app: App, connect: Connect) -> None:
    asked: list[str] = []
    opens(app, modal(input_block("app", {"type": "external_select", "action_id": "app", "min_query_length": 2})))

    @app.options("app")
    def offer(ack: Ack, payload: Json) -> None:
        asked.append(payload["value"])
        ack(options=[option("influencer")])

    connect()
    send(page, "/flstr")
    field = page.get_by_role("combobox", name="App")
    field.press_sequentially("in")
    row = page.get_by_role("option", name="influencer")
    expect(row).to_be_visible()
    # Typed once more, and chosen in the same moment.
    row.evaluate(
        """(row, field) => {
            field.dispatchEvent(new InputEvent("input", { bubbles: true }));
            row.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, cancelable: true }));
        }""",
        field.element_handle(),
    )
    page.evaluate("() => new Promise((soon) => setTimeout(soon, 300))")  # after every timer that runs by now
    expect(field).to_have_value("influencer")
    expect(page.get_by_role("listbox", name="Options for App")).to_be_hidden()
    assert asked == ["in"]


def test_a_typed_name_that_is_wrong_is_said_at_the_input(page: Page, app: App, connect: Connect) -> None:
    opens(app, modal(section("Type *worker103*."), input_block("name", {"type": "plain_text_input", "action_id": "n"})))

    @app.view("m")
    def submit(ack: Ack, view: Json) -> None:
        if view["state"]["values"]["name"]["n"]["value"] == "worker103":
            ack()
        else:
            ack(response_action="errors", errors={"name": "That is not its name."})

    connect()
    send(page, "/flstr")
    page.get_by_label("Name").fill("worker1")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("input-name").get_by_role("alert")).to_have_text("That is not its name.")
    page.get_by_label("Name").fill("worker103")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_input_that_tells_of_itself_changes_the_modal_and_keeps_what_was_typed(
    page: Page, app: App, connect: Connect
) -> None:
    states: list[Json] = []
    why = input_block("why", {"type": "plain_text_input", "action_id": "w", "multiline": True})
    select = {"type": "static_select", "action_id": "app", "options": [option("influencer"), option("web")]}
    opens(app, modal(input_block("app", select, dispatch_action=True), why))

    @app.action("app")
    def chosen(ack: Ack, body: Json, client: WebClient) -> None:
        ack()
        states.append(body["view"]["state"]["values"])
        view = modal(input_block("app", select, dispatch_action=True), why, section("*web* has two instances"))
        client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=view)

    connect()
    send(page, "/flstr")
    page.get_by_label("Why").fill("two\nlines")
    page.get_by_label("App").select_option("web")
    expect(page.get_by_role("dialog")).to_contain_text("web has two instances")
    expect(page.get_by_label("Why")).to_have_value("two\nlines")
    expect(page.get_by_label("App")).to_have_value("web")
    assert states[0]["why"]["w"]["value"] == "two\nlines"
    assert states[0]["app"]["app"]["selected_option"]["value"] == "web"


def test_who_searches_while_the_modal_changes_goes_on_searching(
    page: Page, app: App, connect: Connect, web: WebClient
) -> None:
    search = input_block("app", {"type": "external_select", "action_id": "app", "min_query_length": 2})
    opened: list[Json] = []

    @app.command("/flstr")
    def listen(ack: Ack, body: Json, client: WebClient) -> None:
        ack()
        opened.append(client.views_open(trigger_id=body["trigger_id"], view=modal(search))["view"])

    app.options("app")(lambda ack: ack(options=[option("influencer")]))
    connect()
    send(page, "/flstr")
    field = page.get_by_role("combobox", name="App")
    field.press_sequentially("in")
    expect(page.get_by_role("option", name="influencer")).to_be_visible()
    web.views_update(view_id=opened[0]["id"], view=modal(search, section("two instances")))
    expect(page.get_by_role("dialog")).to_contain_text("two instances")
    expect(field).to_have_value("in")
    expect(field).to_be_focused()
    page.get_by_role("option", name="influencer").click()
    expect(field).to_have_value("influencer")


def test_a_home_of_a_hundred_blocks_has_buttons_that_act(page: Page, app: App, connect: Connect) -> None:
    @app.event("app_home_opened")
    def opened(event: Json, client: WebClient) -> None:
        context = {"type": "context", "elements": [{"type": "mrkdwn", "text": "12 days left"}]}
        blocks = [APPROVE, context, *[section(f"worker{n}") for n in range(98)]]
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @app.action("approve")
    def approve(ack: Ack, body: Json, client: WebClient) -> None:
        ack()
        client.views_publish(user_id=body["user"]["id"], view={"type": "home", "blocks": [section("approved")]})

    connect()
    page.get_by_test_id("place-flstr home").click()
    home = page.get_by_test_id("home")
    expect(home.locator(".block")).to_have_count(100)
    home.get_by_role("button", name="Approve").click()
    expect(home).to_have_text("approved")


def test_a_direct_message_shows_a_file_and_its_first_lines(page: Page, web: WebClient) -> None:
    channel = str(web.conversations_open(users=OPERATOR)["channel"]["id"])
    web.files_upload_v2(channel=channel, filename="plan.txt", content="line one\nline two", initial_comment="The plan")
    page.get_by_test_id("place-flstr messages").click()
    message = page.get_by_test_id("message")
    expect(message.get_by_role("link", name="plan.txt")).to_be_visible()
    expect(message).to_contain_text("line two")


def test_a_deleted_card_leaves_a_stone_where_its_thread_hangs(page: Page, web: WebClient, people: SlackControl) -> None:
    ts = str(web.chat_postMessage(channel=FLSTR, text="card")["ts"])
    web.chat_postMessage(channel=FLSTR, thread_ts=ts, text="detail")
    people.delete(FLSTR, ts)
    expect(page.get_by_test_id("message")).to_contain_text("This message was deleted.")
    expect(page.get_by_test_id("thread-line")).to_contain_text("1 reply")


def test_a_permalink_opens_the_page_at_its_message(page: Page, web: WebClient) -> None:
    ts = str(web.chat_postMessage(channel=FLSTR, text="here")["ts"])
    page.goto(str(web.chat_getPermalink(channel=FLSTR, message_ts=ts)["permalink"]))
    expect(page.locator(".message.linked")).to_contain_text("here")


def test_a_member_more_is_seen_at_once(page: Page, people: SlackControl) -> None:
    people.change_channel(FLSTR, remove=["U04GUEST"])
    expect(page.get_by_title("4 members")).to_be_visible()


def test_a_narrow_window_shows_one_thing_at_a_time(page: Page, web: WebClient) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    root = str(web.chat_postMessage(channel=FLSTR, text="Deploy influencer")["ts"])
    web.chat_postMessage(channel=FLSTR, text="built", thread_ts=root)
    expect(page.get_by_test_id("place-general")).to_be_hidden()
    page.get_by_role("button", name="Show channels").click()
    page.get_by_test_id("place-general").click()
    expect(page.get_by_role("log", name="Messages in #general")).to_be_visible()
    expect(page.get_by_test_id("place-general")).to_be_hidden()
    page.get_by_role("button", name="Show channels").click()
    page.get_by_test_id("place-flstr").click()
    page.get_by_role("button", name=re.compile("1 reply")).click()
    expect(page.get_by_role("complementary", name="Thread")).to_have_css("width", "400px")
    page.get_by_role("button", name="Close thread").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 400
