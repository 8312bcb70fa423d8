"""What the app's answer to a submitted modal does: close it, show errors, put another in its place."""

from dataclasses import dataclass, field

from lab.slack.views import View, Views, checked
from lab.slack.wire import Json, RefusedError


@dataclass(frozen=True)
class ViewAnswer:
    errors: dict[str, str] = field(default_factory=dict)
    refused: str | None = None


def answered(views: Views, view: View, answer: Json) -> ViewAnswer:
    """Carry `answer` out on the person's stack of modals; an answer that Slack refuses leaves the modal open."""
    try:
        return ViewAnswer(_carried_out(views, view, answer))
    except RefusedError as refused:
        return ViewAnswer(refused="; ".join((refused.error, *refused.messages)))


def _carried_out(views: Views, view: View, answer: Json) -> dict[str, str]:
    match answer.get("response_action"):
        case "errors":
            return _errors(view, answer.get("errors"))
        case "update":
            views.update(view, checked(answer.get("view"), "modal"))
        case "push":
            views.push(view.person, checked(answer.get("view"), "modal"))
        case "clear":
            views.clear(view.person)
        case None:
            views.close(view)
        case _:
            raise RefusedError("invalid_response_action")
    return {}


def _errors(view: View, errors: object) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise RefusedError("invalid_errors", ["each key must be the block_id of an input block"])
    return {str(block_id): str(message) for block_id, message in errors.items()}
