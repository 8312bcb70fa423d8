"""What a message may consist of: text, blocks, attachments, metadata, within Slack's limits."""

import json

from lab.slack.blocks import MESSAGE, accepted
from lab.slack.messages import Content
from lab.slack.settings import SlackSettings
from lab.slack.wire import Json, RefusedError

TEXT_CHARACTERS = 40_000
ATTACHMENTS = 100


def parsed(value: object, error: str) -> object:
    """A structure as sent in a JSON body, or as JSON text in a form."""
    if not isinstance(value, str) or value == "":
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise RefusedError(error) from None


def content(args: Json, settings: SlackSettings) -> Content:
    """The message in `args`, or Slack's refusal of it."""
    text = args.get("text") or ""
    if not isinstance(text, str):
        raise RefusedError("invalid_arguments", ["must be a string [json-pointer:/text]"])
    if len(text) > TEXT_CHARACTERS:
        raise RefusedError("msg_too_long")
    blocks = parsed(args.get("blocks"), "invalid_blocks_format")
    message = Content(
        text=text,
        blocks=accepted(blocks, MESSAGE, accept_plan=settings.accept_plan_blocks),
        attachments=_attachments(args.get("attachments"), settings),
        metadata=_metadata(args.get("metadata")),
    )
    if message.empty:
        raise RefusedError("no_text")
    return message


def _attachments(value: object, settings: SlackSettings) -> list[Json]:
    attachments = parsed(value, "invalid_attachments")
    if not attachments:
        return []
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise RefusedError("invalid_attachments")
    if len(attachments) > ATTACHMENTS:
        raise RefusedError("too_many_attachments")
    plan = settings.accept_plan_blocks
    return [
        a | {"blocks": accepted(a["blocks"], MESSAGE, accept_plan=plan)} if a.get("blocks") else a for a in attachments
    ]


def _metadata(value: object) -> Json | None:
    metadata = parsed(value, "invalid_metadata_format")
    if not metadata:
        return None
    if not isinstance(metadata, dict):
        raise RefusedError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise RefusedError("invalid_metadata_schema")
    return metadata
