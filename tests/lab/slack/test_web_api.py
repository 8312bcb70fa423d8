"""The Web API as slack_sdk's WebClient uses it."""

import json
from collections.abc import Callable
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from lab.slack.client import SlackControl
from lab.slack.server import SlackApi

FLSTR = "C01FLSTR"
GENERAL = "C02GENERAL"
OPERATOR = "U01OPERATOR"


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(SlackApiError) as refused:
        call()
    return str(refused.value.response["error"])


def test_the_bot_token_opens_the_web_api(web: WebClient) -> None:
    who = web.auth_test()
    assert who["user"] == "flstr"
    assert who["bot_id"]


def test_tokens_are_refused_as_slack_refuses_them(slack: SlackApi) -> None:
    def auth_test(token: str | None) -> str:
        return error_of(WebClient(token=token, base_url=slack.api_url).auth_test)

    assert auth_test(None) == "not_authed"
    assert auth_test("xoxb-unknown") == "invalid_auth"
    assert auth_test(slack.app_token) == "not_allowed_token_type"
    bot = WebClient(base_url=slack.api_url)
    assert error_of(lambda: bot.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"


def test_an_unknown_method_is_refused(web: WebClient) -> None:
    assert error_of(lambda: web.api_call("chat.whisper")) == "unknown_method"


def test_a_form_carries_blocks_as_json_text(slack: SlackApi, people: SlackControl) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "from a form"}}]
    form = urlencode({"channel": FLSTR, "text": "plain", "blocks": json.dumps(blocks), "token": slack.bot_token})
    with urlopen(Request(slack.api_url + "chat.postMessage", form.encode())) as answer:  # noqa: S310
        assert json.load(answer)["ok"]
    assert people.messages(FLSTR)[0]["blocks"][0]["text"]["text"] == "from a form"


def test_a_posted_message_is_in_the_history_with_its_metadata(web: WebClient) -> None:
    metadata = {"event_type": "operation", "event_payload": {"id": "op1"}}
    posted = web.chat_postMessage(channel="#flstr", text="hello", metadata=metadata)
    newest = web.conversations_history(channel=FLSTR, include_all_metadata=True)["messages"][0]
    assert (newest["ts"], newest["text"], newest["metadata"]) == (posted["ts"], "hello", metadata)
    assert newest["bot_id"] == web.auth_test()["bot_id"]
    assert "metadata" not in web.conversations_history(channel=FLSTR)["messages"][0]


def test_history_comes_newest_first_and_in_pages(web: WebClient) -> None:
    stamps = [str(web.chat_postMessage(channel=FLSTR, text=str(n))["ts"]) for n in range(5)]
    assert stamps == sorted(set(stamps))
    pages = [[m["text"] for m in page["messages"]] for page in web.conversations_history(channel=FLSTR, limit=2)]
    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    since = web.conversations_history(channel=FLSTR, oldest=stamps[2])["messages"]
    assert [m["text"] for m in since] == ["4", "3"]


def test_a_thread_counts_its_replies_and_stays_out_of_the_history(web: WebClient) -> None:
    root = web.chat_postMessage(channel=FLSTR, text="root")["ts"]
    reply = web.chat_postMessage(channel=FLSTR, text="reply", thread_ts=root)["ts"]
    web.chat_postMessage(channel=FLSTR, text="to all", thread_ts=root, reply_broadcast=True)
    web.chat_postMessage(channel=FLSTR, text="reply to the reply", thread_ts=reply)
    history = web.conversations_history(channel=FLSTR)["messages"]
    assert [m["text"] for m in history] == ["to all", "root"]
    assert history[1]["reply_count"] == 3
    replies = web.conversations_replies(channel=FLSTR, ts=root)["messages"]
    assert [m["text"] for m in replies] == ["root", "reply", "to all", "reply to the reply"]
    assert error_of(lambda: web.chat_postMessage(channel=FLSTR, text="x", thread_ts="1.0")) == "thread_not_found"


@pytest.mark.filterwarnings("ignore:The top-level `text`")
def test_a_message_is_updated_and_deleted_by_its_author_only(web: WebClient, people: SlackControl) -> None:
    own = web.chat_postMessage(channel=FLSTR, text="before", blocks=[{"type": "divider"}])["ts"]
    web.chat_update(
        channel=FLSTR, ts=own, metadata={"event_type": "e", "event_payload": {}}, blocks=[{"type": "divider"}]
    )
    assert people.messages(FLSTR)[0]["text"] == "before"
    web.chat_update(channel=FLSTR, ts=own, text="after")
    message = people.messages(FLSTR)[0]
    assert message["metadata"]["event_type"] == "e"
    assert message["text"] == "after"
    assert message["edited"]
    assert "blocks" not in message

    other = people.type(OPERATOR, FLSTR, "mine")["message"]["ts"]
    assert error_of(lambda: web.chat_update(channel=FLSTR, ts=other, text="x")) == "cant_update_message"
    assert error_of(lambda: web.chat_delete(channel=FLSTR, ts=other)) == "cant_delete_message"
    assert error_of(lambda: web.chat_update(channel=FLSTR, ts="1.0", text="x")) == "message_not_found"
    assert error_of(lambda: web.chat_update(channel="#flstr", ts=own, text="x")) == "channel_not_found"

    web.chat_delete(channel=FLSTR, ts=own)
    assert [m["text"] for m in people.messages(FLSTR)] == ["mine"]


def test_an_ephemeral_message_is_for_one_person_and_in_no_history(web: WebClient, people: SlackControl) -> None:
    sent = web.chat_postEphemeral(channel=FLSTR, user=OPERATOR, text="only you")
    assert people.messages(FLSTR, person=OPERATOR)[0]["ephemeral_to"] == OPERATOR
    assert people.messages(FLSTR, person="U02DEVELOPER") == []
    assert web.conversations_history(channel=FLSTR)["messages"] == []
    ts = sent["message_ts"]
    assert error_of(lambda: web.chat_update(channel=FLSTR, ts=ts, text="x")) == "message_not_found"
    assert error_of(lambda: web.chat_postEphemeral(channel=FLSTR, user="UNOBODY", text="x")) == "user_not_in_channel"


def test_channels_must_exist_and_the_app_must_be_in_them(web: WebClient) -> None:
    assert error_of(lambda: web.chat_postMessage(channel="C404", text="x")) == "channel_not_found"
    assert error_of(lambda: web.chat_postMessage(channel=GENERAL, text="x")) == "not_in_channel"
    assert error_of(lambda: web.conversations_history(channel=GENERAL)) == "not_in_channel"
    web.conversations_join(channel=GENERAL)
    assert web.chat_postMessage(channel=GENERAL, text="x")["ok"]
    assert web.conversations_info(channel=GENERAL)["channel"]["is_member"]
    assert "flstr" in {c["name"] for c in web.conversations_list()["channels"]}
    assert OPERATOR in web.conversations_members(channel=FLSTR)["members"]


def test_a_persons_identifier_is_the_direct_message_with_them(web: WebClient, people: SlackControl) -> None:
    channel = web.chat_postMessage(channel=OPERATOR, text="psst")["channel"]
    assert channel == web.conversations_open(users=OPERATOR)["channel"]["id"]
    assert people.messages(str(channel))[0]["text"] == "psst"


def test_people_and_groups_are_found(web: WebClient) -> None:
    assert web.users_lookupByEmail(email="reviewer@flstr.lab")["user"]["id"] == "U03REVIEWER"
    assert web.users_info(user=OPERATOR)["user"]["real_name"] == "operator"
    assert error_of(lambda: web.users_info(user="U404")) == "user_not_found"
    assert len(web.users_list()["members"]) == 5
    group = web.usergroups_list()["usergroups"][0]
    assert OPERATOR in web.usergroups_users_list(usergroup=group["id"])["users"]


def test_a_file_is_uploaded_into_a_thread(web: WebClient, people: SlackControl) -> None:
    root = web.chat_postMessage(channel=FLSTR, text="build")["ts"]
    web.files_upload_v2(
        channel=FLSTR, thread_ts=root, filename="build.log", content="line 1\nline 2", initial_comment="output"
    )
    shared = people.messages(FLSTR, thread_ts=str(root))[-1]
    assert (shared["text"], shared["files"][0]["name"]) == ("output", "build.log")
    with urlopen(shared["files"][0]["url_private"]) as file:  # noqa: S310
        assert file.read() == b"line 1\nline 2"
        assert file.headers["Content-Type"] == "text/plain"


def test_reactions_are_kept(web: WebClient, people: SlackControl) -> None:
    ts = str(web.chat_postMessage(channel=FLSTR, text="done")["ts"])
    web.reactions_add(channel=FLSTR, timestamp=ts, name="white_check_mark")
    assert people.messages(FLSTR)[0]["reactions"][0]["name"] == "white_check_mark"
    assert (
        error_of(lambda: web.reactions_add(channel=FLSTR, timestamp=ts, name="white_check_mark")) == "already_reacted"
    )


def test_every_call_is_logged_without_its_token(web: WebClient, people: SlackControl) -> None:
    web.chat_postMessage(channel=FLSTR, text="one")
    error_of(lambda: web.chat_postMessage(channel="C404", text="two"))
    calls = people.calls("chat.postMessage")
    assert [(c["ok"], c["error"], c["args"]["text"]) for c in calls] == [
        (True, None, "one"),
        (False, "channel_not_found", "two"),
    ]
    assert "xoxb" not in json.dumps(calls)
