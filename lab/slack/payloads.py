"""The payloads of envelopes: what Slack tells the app about a command, a click, a modal, an event."""

import time

from lab.slack.conversations import Conversation
from lab.slack.messages import Message
from lab.slack.state import Slack
from lab.slack.views import View
from lab.slack.wire import Json, new_id
from lab.slack.workspace import APP_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID, VERIFICATION_TOKEN, Person


def command(slack: Slack, person: Person, place: Conversation, name: str, text: str) -> Json:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": place.id,
        "channel_name": "directmessage" if place.direct_with else place.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url(slack, slack.response_urls.issue(person.id, place.id)),
        "trigger_id": slack.triggers.issue(person.id),
    }


def response_url(slack: Slack, key: str) -> str:
    return f"{slack.app_url}/response/{key}"


def _interaction(kind: str, person: Person) -> Json:
    return {
        "type": kind,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": TEAM_ID},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_container(place: Conversation, message: Message) -> Json:
    """Where an element is that stands in a message."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": place.id,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if message.thread_ts is not None:
        container["thread_ts"] = message.thread_ts
    channel = {"id": place.id, "name": "directmessage" if place.direct_with else place.name}
    return {"container": container, "channel": channel, "message": message.wire()}


def message_action(slack: Slack, person: Person, place: Conversation, message: Message, action: Json) -> Json:
    """block_actions from an element of a message."""
    key = slack.response_urls.issue(person.id, place.id, message.ts, message.thread_ts)
    return _interaction("block_actions", person) | {
        **message_container(place, message),
        "trigger_id": slack.triggers.issue(person.id),
        "state": {"values": {}},
        "response_url": response_url(slack, key),
        "actions": [action],
    }


def view_action(slack: Slack, person: Person, view: View, action: Json) -> Json:
    """block_actions from an element of a modal or of App Home."""
    return _interaction("block_actions", person) | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": slack.triggers.issue(person.id),
        "view": view.wire(),
        "actions": [action],
    }


def view_submission(slack: Slack, person: Person, view: View) -> Json:
    return _interaction("view_submission", person) | {
        "trigger_id": slack.triggers.issue(person.id),
        "view": view.wire(),
        "response_urls": [],
    }


def view_closed(person: Person, view: View, *, cleared: bool) -> Json:
    return _interaction("view_closed", person) | {"view": view.wire(), "is_cleared": cleared}


def suggestion(person: Person, container: Json, block_id: str, action_id: str, typed: str) -> Json:
    """block_suggestion: the options of an external select for what was typed."""
    return _interaction("block_suggestion", person) | {
        **container,
        "block_id": block_id,
        "action_id": action_id,
        "value": typed,
    }


def event_callback(event: Json) -> Json:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": new_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [
            {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER_ID, "is_bot": True},
        ],
        "is_ext_shared_channel": False,
    }
