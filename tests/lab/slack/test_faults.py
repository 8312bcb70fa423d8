"""Slack failing on request, as it fails by itself now and then."""

from collections.abc import Callable

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from lab.slack.client import ControlError, SlackControl

FLSTR = "C01FLSTR"


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(SlackApiError) as refused:
        call()
    return str(refused.value.response["error"])


def test_a_method_fails_as_often_as_ordered(web: WebClient, people: SlackControl) -> None:
    people.fault("chat.postMessage", times=2, error="internal_error")
    assert web.auth_test()["ok"]
    for _ in range(2):
        assert error_of(lambda: web.chat_postMessage(channel=FLSTR, text="x")) == "internal_error"
    assert web.chat_postMessage(channel=FLSTR, text="x")["ok"]


def test_an_order_that_waits_is_withdrawn(web: WebClient, people: SlackControl) -> None:
    people.fault("*", times=5, error="internal_error")
    people.fault("*", times=0)
    assert web.auth_test()["ok"]


def test_a_rate_limit_on_request(web: WebClient, people: SlackControl) -> None:
    people.fault("chat.update", retry_after=7)
    with pytest.raises(SlackApiError) as refused:
        web.chat_update(channel=FLSTR, ts="1.0", text="x")
    assert refused.value.response.headers["Retry-After"] == "7"


def test_a_gateway_error_is_not_json(web: WebClient, people: SlackControl) -> None:
    people.fault("chat.postMessage", status=502)
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel=FLSTR, text="x")
    assert refused.value.response.status_code == 502


def test_a_lost_answer_makes_the_sdk_post_twice(web: WebClient, people: SlackControl) -> None:
    people.fault("chat.postMessage", lose_answer=True)
    web.chat_postMessage(channel=FLSTR, text="once?")
    assert [m["text"] for m in people.messages(FLSTR)] == ["once?", "once?"]


def test_an_order_that_makes_no_sense_is_refused_in_a_sentence(people: SlackControl) -> None:
    with pytest.raises(ControlError, match="reason"):
        people.disconnect("because")
