"""Rate limits: 429 with Retry-After, and the buckets behind them."""

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from lab.slack.client import SlackControl
from lab.slack.limits import RateLimiter
from lab.slack.settings import RateLimits, SlackSettings
from lab.slack.web_api import METHODS

FLSTR = "C01FLSTR"


@pytest.fixture
def settings() -> SlackSettings:
    return SlackSettings()


def test_messages_to_a_channel_beyond_the_burst_are_refused_for_a_second(web: WebClient) -> None:
    def post_many() -> None:
        for number in range(12):
            web.chat_postMessage(channel=FLSTR, text=str(number))

    with pytest.raises(SlackApiError) as refused:
        post_many()
    answer = refused.value.response
    assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "1")
    assert web.chat_postMessage(channel="U01OPERATOR", text="another channel")["ok"]


def test_the_sdks_handler_waits_and_gets_through(web: WebClient, people: SlackControl) -> None:
    web.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=3))
    for number in range(6):
        web.chat_postMessage(channel=FLSTR, text=str(number))
    assert [m["text"] for m in people.messages(FLSTR)] == [str(number) for number in range(6)]


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    now = 100.0
    limiter = RateLimiter(RateLimits(posts_per_second=0.5, post_burst=2), clock=lambda: now)
    assert [limiter.post("C1"), limiter.post("C1"), limiter.post("C1"), limiter.post("C2")] == [0, 0, 2, 0]
    now += 2
    assert [limiter.post("C1"), limiter.post("C1")] == [0, 2]


def test_a_tier_is_counted_a_method() -> None:
    limiter = RateLimiter(RateLimits(tier_per_minute=(1, 2, 50, 100)), clock=lambda: 0.0)
    assert [limiter.method("users.list", 2) for _ in range(3)] == [0, 0, 30]
    assert limiter.method("conversations.list", 2) == 0


def test_methods_have_the_tiers_that_slack_documents() -> None:
    tiers = {name: method.tier for name, method in METHODS.items()}
    assert {name for name, tier in tiers.items() if tier == 4} == {
        *("chat.postEphemeral", "conversations.members", "users.info"),
        *("views.open", "views.push", "views.update", "views.publish"),
        *("files.getUploadURLExternal", "files.completeUploadExternal"),
    }
    assert {tiers[name] for name in ("usergroups.list", "usergroups.users.list", "users.list")} == {2}
    assert {tiers[name] for name in ("chat.update", "chat.delete", "conversations.history", "conversations.open")} == {
        3
    }
    assert {tiers[name] for name in ("chat.postMessage", "chat.getPermalink")} == {None}


def test_limits_can_be_off() -> None:
    limiter = RateLimiter(RateLimits(enabled=False, post_burst=1), clock=lambda: 0.0)
    assert [limiter.post("C1") for _ in range(3)] == [0, 0, 0]
