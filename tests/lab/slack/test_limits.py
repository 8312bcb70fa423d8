"""What Slack refuses in messages and views, each with Slack's word for it."""

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownBlock,
    MarkdownTextObject,
    PlanBlock,
    SectionBlock,
    TaskCardBlock,
)

from lab.slack.blocks import HOME, MESSAGE, MODAL, Surface, accepted, problems
from lab.slack.settings import RateLimits, SlackSettings
from lab.slack.wire import RefusedError

Json = dict[str, Any]
FLSTR = "C01FLSTR"


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(number: int = 0, **more: Any) -> Json:
    return {"type": "button", "action_id": f"b{number}", "text": plain("Go"), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def confirm(**more: Any) -> Json:
    return {"title": plain("t"), "text": plain("x"), "confirm": plain("y"), "deny": plain("n"), **more}


def task(**more: Any) -> Json:
    return {"type": "task_card", "task_id": "t1", "title": "Build", "status": "pending", **more}


REFUSED = [
    ([section()] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
    ([section(fields=[plain("x")] * 11)], "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
    ([section(fields=[plain("x" * 2001)])], "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"),
    ([section(colour="red")], "invalid additional property: colour [json-pointer:/blocks/0]"),
    ([{"type": "section", "text": "bare"}], "must provide an object [json-pointer:/blocks/0/text]"),
    ([section(block_id="x" * 256)], "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    ([section(block_id="a"), section(block_id="a")], "`block_id` a already exists [json-pointer:/blocks/1/block_id]"),
    (
        [{"type": "header", "text": plain("x" * 151)}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "must be one of: plain_text [json-pointer:/blocks/0/text/type]",
    ),
    (
        [{"type": "context", "elements": [plain("x")] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    ([actions()], "no less than 1 items required [json-pointer:/blocks/0/elements]"),
    (
        [actions(*(button(n) for n in range(26)))],
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        [actions(button(1), button(1))],
        "`action_id` b1 already exists [json-pointer:/blocks/0/elements/1/action_id]",
    ),
    (
        [actions(button(text=plain("x" * 76)))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        [actions(button(value="x" * 2001))],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        [actions(button(action_id="x" * 256))],
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    (
        [actions(button(style="loud"))],
        "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]",
    ),
    (
        [actions(button(confirm=confirm(text=plain("x" * 301))))],
        "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]",
    ),
    ([actions({"type": "slider"})], "unsupported type: slider [json-pointer:/blocks/0/elements/0/type]"),
    ([{"type": "carousel-of-joy"}], "unsupported type: carousel-of-joy [json-pointer:/blocks/0/type]"),
    ([{"text": plain("x")}], "missing required field: type [json-pointer:/blocks/0]"),
    (["text"], "must provide an object [json-pointer:/blocks/0]"),
    (
        [{"type": "markdown", "text": "x" * 12_001}],
        "must be less than 12001 characters [json-pointer:/blocks/0/text]",
    ),
    (
        [{"type": "plan", "title": "p", "tasks": [task(status="done")]}],
        "must be one of: pending, in_progress, complete, error [json-pointer:/blocks/0/tasks/0/status]",
    ),
    ([task(details="text")], "must provide an object [json-pointer:/blocks/0/details]"),
]


@pytest.mark.parametrize(("blocks", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_blocks_are_refused_with_a_reason_and_a_pointer(blocks: list[Any], reason: str) -> None:
    assert str(next(problems(blocks, MESSAGE))) == reason


def test_the_refusal_reaches_the_sdk(web: WebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel=FLSTR, text="x", blocks=[section("x" * 3001)])
    answer = refused.value.response
    assert answer["error"] == "invalid_blocks"
    messages = answer["response_metadata"]["messages"]
    assert messages == ["[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"]


@pytest.mark.filterwarnings("ignore:The top-level `text`")
@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "blocks": [section("x" * 2700)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ({"text": "x", "metadata": {"event_type": "op"}}, "invalid_metadata_schema"),
        ({"text": "x", "attachments": [{"blocks": [section("")]}]}, "invalid_blocks"),
    ],
)
def test_messages_are_refused_with_slacks_word(web: WebClient, message: Json, error: str) -> None:
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel=FLSTR, **message)
    assert refused.value.response["error"] == error


def test_a_message_may_be_as_large_as_slack_allows() -> None:
    assert len(accepted([section("x" * 264) for _ in range(50)], MESSAGE)) == 50


@pytest.mark.parametrize("surface", [MODAL, HOME])
def test_a_view_holds_a_hundred_blocks_and_no_plan(surface: Surface) -> None:
    assert len(accepted([section()] * 100, surface)) == 100
    with pytest.raises(RefusedError, match="no more than 100 items allowed"):
        accepted([section()] * 101, surface)
    with pytest.raises(RefusedError, match="unsupported type: plan"):
        accepted([{"type": "plan", "title": "p"}], surface)


class TestWithoutPlanBlocks:
    @pytest.fixture
    def settings(self) -> SlackSettings:
        return SlackSettings(accept_plan_blocks=False, rate_limits=RateLimits(enabled=False))

    def test_a_plan_is_refused_and_sections_are_not(self, web: WebClient) -> None:
        with pytest.raises(SlackApiError) as refused:
            web.chat_postMessage(channel=FLSTR, text="x", blocks=[{"type": "plan", "title": "p"}])
        assert refused.value.response["error"] == "invalid_blocks"
        assert web.chat_postMessage(channel=FLSTR, text="x", blocks=[section()])["ok"]


words = st.text(min_size=1, max_size=75)
confirms = st.builds(ConfirmObject, title=words, text=words, confirm=words.map(lambda w: w[:30]), deny=st.just("No"))
buttons = st.builds(
    ButtonElement,
    text=words,
    action_id=st.uuids().map(str),
    value=words,
    style=st.sampled_from([None, "primary", "danger"]),
    confirm=st.none() | confirms,
)
tasks = st.builds(
    TaskCardBlock,
    task_id=st.uuids().map(str),
    title=words,
    status=st.sampled_from(["pending", "in_progress", "complete", "error"]),
)
sdk_blocks = st.one_of(
    st.builds(SectionBlock, text=words, accessory=st.none() | buttons),
    st.builds(SectionBlock, fields=st.lists(words, min_size=1, max_size=10)),
    st.builds(HeaderBlock, text=words),
    st.builds(DividerBlock),
    st.builds(ContextBlock, elements=st.lists(st.builds(MarkdownTextObject, text=words), min_size=1, max_size=10)),
    st.builds(ActionsBlock, elements=st.lists(buttons, min_size=1, max_size=5)),
    st.builds(MarkdownBlock, text=words),
    st.builds(PlanBlock, title=words, tasks=st.lists(tasks.map(lambda task: task.to_dict()), max_size=5)),
)


@given(st.lists(sdk_blocks, max_size=10))
def test_what_the_sdks_models_build_is_accepted(blocks: list[Any]) -> None:
    kept = accepted([block.to_dict() for block in blocks], MESSAGE)
    assert len({block["block_id"] for block in kept}) == len(blocks)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "tasks", "title", "rows"]), inner, max_size=4)
    ),
)
kinds = st.sampled_from(["section", "actions", "context", "input", "plan", "table", "rich_text", "image", "header"])


@given(json_values, kinds)
def test_any_json_is_judged_without_a_traceback(value: Any, kind: str) -> None:
    blocks = [{**value, "type": kind} if isinstance(value, dict) else value]
    found = list(problems(blocks, MESSAGE))
    with pytest.raises(RefusedError) if found else nullcontext():
        accepted(blocks, MESSAGE)
