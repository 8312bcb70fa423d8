"""Modals and App Home: who sees them, how they change, what is refused."""

from typing import Any

import pytest

from lab.slack.views import Views, checked
from lab.slack.wire import RefusedError

Json = dict[str, Any]
OPERATOR = "U01OPERATOR"


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def modal(**more: Any) -> Json:
    return {"type": "modal", "title": plain("Deploy"), "blocks": [{"type": "divider"}], **more}


INPUT = {"type": "input", "label": plain("l"), "element": {"type": "plain_text_input", "action_id": "a"}}


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(title=None), "missing required field: title [json-pointer:/view]"),
        (modal(blocks=[INPUT]), "missing required field: submit [json-pointer:/view]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(type="home"), "must be one of: modal [json-pointer:/view/type]"),
        ("modal", "must provide an object [json-pointer:/view]"),
    ],
)
def test_a_view_is_refused_with_a_reason(view: object, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        checked(view, "modal")
    assert (refused.value.error, refused.value.messages[0]) == ("invalid_arguments", reason)


def test_modals_stack_three_deep_and_close_from_the_top() -> None:
    views = Views()
    first = views.open(OPERATOR, modal())
    second = views.push(OPERATOR, modal())
    assert (second.root_id, second.previous_id) == (first.id, first.id)
    views.push(OPERATOR, modal())
    with pytest.raises(RefusedError, match="push_limit_reached"):
        views.push(OPERATOR, modal())
    views.close(views.stack(OPERATOR)[-1])
    assert views.stack(OPERATOR) == [first, second]
    views.clear(OPERATOR)
    assert views.stack(OPERATOR) == []


def test_a_stale_hash_does_not_overwrite_a_newer_view() -> None:
    views = Views()
    view = views.open(OPERATOR, modal(external_id="mine"))
    seen = view.hash
    views.update(views.find("mine"), modal(title=plain("newer")), seen)
    with pytest.raises(RefusedError, match="hash_conflict"):
        views.update(view, modal(title=plain("older")), seen)
    assert view.wire()["title"]["text"] == "newer"


def test_a_home_keeps_its_identifier() -> None:
    views = Views()
    first = views.publish(OPERATOR, {"type": "home", "blocks": []}, None)
    second = views.publish(OPERATOR, {"type": "home", "blocks": []}, first.hash)
    assert first.id == second.id
    with pytest.raises(RefusedError, match="hash_conflict"):
        views.publish(OPERATOR, {"type": "home", "blocks": []}, first.hash)
