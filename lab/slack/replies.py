"""What the app says back to an interaction: in a command's acknowledgement or to a response_url."""

import json

from aiohttp import web

from lab.slack.content import content
from lab.slack.conversations import Conversation
from lab.slack.messages import Message
from lab.slack.state import Slack
from lab.slack.triggers import ResponseUrl
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import BOT_USER_ID


def reply(slack: Slack, place: Conversation, person: str, body: Json, thread_ts: str | None = None) -> Message:
    """A new message, for `person` only unless the body says `in_channel`."""
    in_channel = body.get("response_type") == "in_channel"
    return slack.say(
        place,
        BOT_USER_ID,
        content(body, slack.settings),
        thread_ts=thread_ts,
        ephemeral_to=None if in_channel else person,
    )


async def handle_response_url(slack: Slack, request: web.Request) -> web.Response:
    """POST to a response_url: a new message, or a change to the message that was clicked."""
    try:
        body = _object(await request.text())
        _respond(slack, slack.response_urls.use(request.match_info["key"]), body)
    except RefusedError as refused:
        return web.json_response(refused.body(), status=404 if refused.error in ("used_url", "expired_url") else 500)
    return web.Response(text="ok")


def _object(text: str) -> Json:
    try:
        body = json.loads(text)
    except ValueError:
        raise RefusedError("invalid_payload") from None
    if not isinstance(body, dict):
        raise RefusedError("invalid_payload")
    return body


def _respond(slack: Slack, origin: ResponseUrl, body: Json) -> None:
    place = slack.conversations.find(origin.channel)
    original = place.messages.get(origin.message_ts or "")
    if body.get("delete_original"):
        if original is not None:
            slack.remove(place, original.ts)
    elif body.get("replace_original") and original is not None:
        original.content = content(body, slack.settings)
        if original.ephemeral_to is None:
            original.edited_ts = slack.conversations.now()
        slack.show(original)
    else:
        thread_ts = body.get("thread_ts") or origin.thread_ts
        reply(slack, place, origin.person, body, str(thread_ts) if thread_ts else None)
