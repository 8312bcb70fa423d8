"""What people type, click and submit, as intents. Pure; each id is made from what Slack gives a thing once."""

from typing import Any

from bot import help as help_of_verbs
from bot.actions import APPROVE, DENY
from bot.intent_ids import intent_id
from bot.mentions import Mention
from bot.parser import Command
from model.operation import Asker, Intent

Json = dict[str, Any]


def command_intent(command: Command, body: Json, now: float) -> Intent:
    """The intent of a slash command; Slack gives each a trigger_id of its own, and repeats it with the delivery."""
    return _typed(command, intent_id("command", body["trigger_id"]), command_asker(body), now)


def mention_intent(command: Command, mention: Mention, now: float) -> Intent:
    """The intent of a mention: the same from the event and from the channel's history."""
    return _typed(command, mention_id(mention), mention_asker(mention), now)


def line_intent(command: Command, body: Json, now: float) -> Intent:
    """The intent of a line that was offered, and clicked."""
    action, asker = body["actions"][0], click_asker(body)
    # An offer is taken up once, however often somebody presses before it is gone.
    offer = (body.get("container") or {}).get("message_ts") or action["action_ts"]
    return _typed(command, intent_id("line", offer, asker.user, action.get("value", "")), asker, now)


def submission_intent(command: Command, body: Json, asker: Asker, now: float) -> Intent:
    """The intent of a modal; a view has another hash whenever it has changed."""
    view = body["view"]
    return _typed(command, intent_id("view", view["id"], view["hash"]), asker, now)


def click_intent(body: Json, now: float) -> Intent:
    """The intent of Approve or Deny; action_ts is the same in every delivery of a click."""
    action = body["actions"][0]
    verb = {APPROVE: "approve", DENY: "deny"}[action["action_id"]]
    asker, approval = click_asker(body), action["value"]
    return Intent(
        id=intent_id("click", action["action_ts"], asker.user, approval),
        verb=verb,
        arguments=(approval,),
        words=f"{verb} button",
        asker=asker,
        asked=now,
    )


def said(known_as: str, asker: Asker, words: str, text: str, now: float, instead: str = "") -> Intent:
    """An intent that is answered already: a sentence for one person, which comes as every answer does."""
    return Intent(
        id=known_as,
        verb="help",
        words=words,
        asker=asker,
        asked=now,
        status="answered",
        answer=text,
        refused=True,
        instead=instead,
    )


def command_asker(body: Json) -> Asker:
    """Who typed a command, and where."""
    return Asker(
        place="slack",
        user=body["user_id"],
        channel=body.get("channel_id", ""),
        channel_name=body.get("channel_name", ""),
        response_url=body.get("response_url", ""),
    )


def click_asker(body: Json) -> Asker:
    """Who clicked, and where; in App Home that is in no channel."""
    channel = body.get("channel") or {}
    return Asker(
        place="slack",
        user=body["user"]["id"],
        channel=channel.get("id", ""),
        channel_name=channel.get("name", ""),
        response_url=body.get("response_url", ""),
    )


def mention_asker(mention: Mention) -> Asker:
    """Who said it, and where; there is no response_url."""
    return Asker(place="slack", user=mention.user, channel=mention.channel)


def mention_id(mention: Mention) -> str:
    """The id of a mention, however flstr came to hear of it."""
    return intent_id("mention", mention.channel, mention.ts)


def action_id(body: Json) -> str:
    """The id of a click of another kind."""
    action = body["actions"][0]
    return intent_id("action", action["action_ts"], body["user"]["id"], action["action_id"])


def _typed(command: Command, known_as: str, asker: Asker, now: float) -> Intent:
    return Intent(
        id=known_as,
        verb=command.verb.name,
        arguments=command.arguments,
        words=f"{help_of_verbs.SLASH} {command.words}",
        asker=asker,
        asked=now,
    )
