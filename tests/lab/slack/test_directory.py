"""The workspace changes while the app runs: groups, channels, messages that somebody takes away."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from lab.slack.client import ControlError, SlackControl
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings
from tests.lab.slack.conftest import QUICK
from tests.lab.slack.workspace import DEVELOPER, FLSTR, GENERAL, OPERATOR, Connect, Eventually, Json

APP = "U00FLSTR"
GROUP = "S01OPERATORS"
REVIEWER = "U03REVIEWER"
EVENTS = (
    *("member_joined_channel", "member_left_channel", "channel_left"),
    *("subteam_members_changed", "message"),
)


@pytest.fixture
def settings() -> SlackSettings:
    return replace(QUICK, event_subscriptions=EVENTS)


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(SlackApiError) as refused:
        call()
    return str(refused.value.response["error"])


@pytest.fixture
def app(web: WebClient) -> App:
    """Bolt by itself keeps from its listeners that a message of the app was deleted: it takes it for the app's act."""
    return App(client=web, ignoring_self_events_enabled=False)


@pytest.fixture
def events(app: App, connect: Connect) -> list[Json]:
    """What the app heard, newest last."""
    heard: list[Json] = []

    def listen(event: Json) -> None:
        heard.append(event)

    for name in EVENTS:
        app.event(name)(listen)
    connect()
    return heard


def test_a_user_group_gets_other_members(
    web: WebClient, people: SlackControl, events: list[Json], eventually: Eventually
) -> None:
    people.set_group(GROUP, [DEVELOPER, REVIEWER])
    assert web.usergroups_users_list(usergroup=GROUP)["users"] == [DEVELOPER, REVIEWER]
    assert web.usergroups_list()["usergroups"][0]["user_count"] == 2
    eventually(lambda: events)
    assert (events[0]["added_users"], events[0]["removed_users"]) == ([DEVELOPER], [OPERATOR])
    with pytest.raises(ControlError, match="user_not_found"):
        people.set_group(GROUP, ["U404"])
    with pytest.raises(ControlError, match="no_such_subteam"):
        people.set_group("S404", [])
    assert error_of(lambda: web.usergroups_users_list(usergroup="S404")) == "no_such_subteam"


def test_people_come_into_a_channel_and_leave_it(
    web: WebClient, people: SlackControl, events: list[Json], eventually: Eventually
) -> None:
    people.change_channel(FLSTR, remove=[DEVELOPER])
    assert DEVELOPER not in web.conversations_members(channel=FLSTR)["members"]
    with pytest.raises(ControlError, match="channel_not_found"):
        people.type(DEVELOPER, FLSTR, "hello?")
    people.change_channel(FLSTR, add=[DEVELOPER])
    people.type(DEVELOPER, FLSTR, "hello!")
    eventually(lambda: len(events) == 3)
    assert {event["type"] for event in events} == {"member_left_channel", "member_joined_channel", "message"}


def test_the_app_is_removed_from_its_channel_and_invited_again(
    web: WebClient, people: SlackControl, events: list[Json], eventually: Eventually
) -> None:
    people.change_channel(FLSTR, remove=[APP])
    assert error_of(lambda: web.chat_postMessage(channel=FLSTR, text="x")) == "not_in_channel"
    people.change_channel(FLSTR, add=[APP])
    assert web.chat_postMessage(channel=FLSTR, text="x")["ok"]
    eventually(lambda: len(events) == 2)
    assert sorted(event["type"] for event in events) == ["channel_left", "member_joined_channel"]


def test_the_members_of_a_channel_come_in_pages(web: WebClient) -> None:
    pages = [page["members"] for page in web.conversations_members(channel=GENERAL, limit=3)]
    assert [len(page) for page in pages] == [3, 1]
    assert sorted(member for page in pages for member in page) == sorted([OPERATOR, DEVELOPER, REVIEWER, "U04GUEST"])
    assert error_of(lambda: web.conversations_members(channel=GENERAL, cursor="99")) == "invalid_cursor"
    assert error_of(lambda: web.conversations_members(channel=GENERAL, limit=0)) == "invalid_limit"


def test_a_person_is_known_with_the_email(web: WebClient) -> None:
    assert web.users_info(user=OPERATOR)["user"]["profile"]["email"] == "operator@flstr.lab"
    assert error_of(lambda: web.users_lookupByEmail(email="nobody@flstr.lab")) == "users_not_found"


def test_a_direct_message_is_opened(web: WebClient) -> None:
    channel = web.conversations_open(users=OPERATOR, return_im=True)["channel"]
    assert (channel["is_im"], channel["user"]) == (True, OPERATOR)
    assert web.conversations_open(channel=channel["id"])["channel"]["id"] == channel["id"]
    assert error_of(lambda: web.conversations_open(users="U404")) == "user_not_found"


def test_a_permalink_names_the_message_and_its_thread(web: WebClient, slack: SlackApi) -> None:
    root = str(web.chat_postMessage(channel=FLSTR, text="root")["ts"])
    reply = str(web.chat_postMessage(channel=FLSTR, text="reply", thread_ts=root)["ts"])
    link = web.chat_getPermalink(channel=FLSTR, message_ts=root)["permalink"]
    assert link == f"{slack.url}/archives/{FLSTR}/p{root.replace('.', '')}"
    in_thread = str(web.chat_getPermalink(channel=FLSTR, message_ts=reply)["permalink"])
    assert in_thread.endswith(f"p{reply.replace('.', '')}?thread_ts={root}&cid={FLSTR}")
    assert error_of(lambda: web.chat_getPermalink(channel=FLSTR, message_ts="1.0")) == "message_not_found"


def test_somebody_takes_the_apps_message_away(
    web: WebClient, people: SlackControl, events: list[Json], eventually: Eventually
) -> None:
    ts = str(web.chat_postMessage(channel=FLSTR, text="card")["ts"])
    people.delete(FLSTR, ts)
    assert people.messages(FLSTR) == []
    assert error_of(lambda: web.chat_update(channel=FLSTR, ts=ts, text="x")) == "message_not_found"
    eventually(lambda: events)
    assert (events[0]["subtype"], events[0]["deleted_ts"]) == ("message_deleted", ts)
    with pytest.raises(ControlError, match="message_not_found"):
        people.delete(FLSTR, ts)


def test_a_root_that_is_taken_away_leaves_its_thread(web: WebClient, people: SlackControl) -> None:
    ts = str(web.chat_postMessage(channel=FLSTR, text="card")["ts"])
    web.chat_postMessage(channel=FLSTR, thread_ts=ts, text="detail")
    people.delete(FLSTR, ts)
    root, detail = web.conversations_replies(channel=FLSTR, ts=ts)["messages"]
    assert (root["subtype"], root["text"], detail["text"]) == ("tombstone", "This message was deleted.", "detail")
    assert error_of(lambda: web.chat_update(channel=FLSTR, ts=ts, text="x")) == "message_not_found"
    assert web.chat_postMessage(channel=FLSTR, thread_ts=ts, text="more")["ok"]


def test_a_broadcast_stands_in_the_channel_and_in_its_thread(web: WebClient, people: SlackControl) -> None:
    ts = str(web.chat_postMessage(channel=FLSTR, text="card")["ts"])
    web.chat_postMessage(channel=FLSTR, thread_ts=ts, text="only here")
    web.chat_postMessage(channel=FLSTR, thread_ts=ts, text="failed", reply_broadcast=True)
    history = web.conversations_history(channel=FLSTR)["messages"]
    assert [(m["text"], m.get("subtype")) for m in history] == [("failed", "thread_broadcast"), ("card", None)]
    assert len(web.conversations_replies(channel=FLSTR, ts=ts)["messages"]) == 3
