"""Who is where, as the page and the tests see it; and changes to it, with the events that they cause."""

from dataclasses import replace

from lab.slack.conversations import Conversation, direct_id
from lab.slack.events import Events
from lab.slack.state import Slack
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import BOT_NAME, BOT_USER_ID, SLACKBOT_ID, TEAM_NAME, USAGE_HINTS


def directory(slack: Slack) -> Json:
    """People, channels, user groups, the app."""
    return {
        "team": TEAM_NAME,
        "people": [
            {"id": p.id, "name": p.name, "real_name": p.real_name, "colour": p.colour, "direct": direct_id(p.id)}
            for p in slack.people.values()
        ],
        "channels": [_channel(c) for c in slack.conversations.all() if c.direct_with is None],
        "app": {"id": BOT_USER_ID, "name": BOT_NAME},
        "slackbot": SLACKBOT_ID,
        "groups": [{"id": g.id, "handle": g.handle, "members": g.members} for g in slack.user_groups],
        "commands": slack.commands,
        "hints": {name: USAGE_HINTS[name] for name in slack.commands if name in USAGE_HINTS},
        "connections": slack.socket.connections,
    }


def _channel(channel: Conversation) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "topic": channel.topic,
        "members": len(channel.members),
        "member_ids": sorted(channel.members),
        "with_app": BOT_USER_ID in channel.members,
    }


class Administration:
    """What an administrator changes in the workspace while the app runs."""

    def __init__(self, slack: Slack, events: Events) -> None:
        self._slack = slack
        self._events = events

    def set_group(self, group_id: str, members: list[str]) -> None:
        group = self._slack.group(group_id)
        for member in members:
            self._slack.person(member)
        changed = replace(group, members=tuple(members))
        self._slack.user_groups = tuple(changed if one is group else one for one in self._slack.user_groups)
        self._events.group_changed(group, changed)
        self._tell()

    def change_members(self, channel_id: str, add: list[str], remove: list[str]) -> None:
        """`add` and `remove` name people, or the app."""
        channel = self._slack.conversations.by_id(channel_id)
        if channel.direct_with is not None:
            raise RefusedError("method_not_supported_for_channel_type")
        for user in (*add, *remove):
            if user != BOT_USER_ID:
                self._slack.person(user)
        for user in (user for user in add if user not in channel.members):
            channel.members.add(user)
            self._events.joined(channel, user)
        for user in (user for user in remove if user in channel.members):
            channel.members.discard(user)
            self._events.left(channel, user)
        self._tell()

    def delete(self, channel_id: str, ts: str) -> None:
        """Take a message out of a channel, whoever wrote it."""
        channel = self._slack.conversations.by_id(channel_id)
        previous = channel.message(ts).wire()
        self._slack.remove(channel, ts)
        self._events.deleted(channel, previous, self._slack.conversations.now())

    def _tell(self) -> None:
        self._slack.feed.publish({"type": "workspace", "workspace": directory(self._slack)})
