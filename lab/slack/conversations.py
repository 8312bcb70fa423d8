"""Channels and direct messages, their members, and the messages in them."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.slack.messages import Content, Message
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import BOT_USER_ID, Channel, Person

CREATED = 1_700_000_000


class Timestamps:
    """Message timestamps: unique and increasing in one workspace, as `seconds.microseconds`."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        self._last = max(time.time_ns() // 1000, self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"


def direct_id(person: str) -> str:
    """Of the direct message between a person and the app."""
    return f"D{person[1:]}"


@dataclass
class Conversation:
    id: str
    name: str
    topic: str
    members: set[str]
    direct_with: str | None = None
    messages: dict[str, Message] = field(default_factory=dict)

    def wire(self) -> Json:
        """The channel object of conversations.info."""
        common: Json = {"id": self.id, "created": CREATED, "is_archived": False, "is_org_shared": False}
        if self.direct_with is not None:
            return common | {"is_im": True, "user": self.direct_with}
        return common | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_private": False,
            "is_member": BOT_USER_ID in self.members,
            "is_general": self.name == "general",
            "topic": {"value": self.topic, "creator": "", "last_set": CREATED},
            "purpose": {"value": self.topic, "creator": "", "last_set": CREATED},
            "num_members": len(self.members),
        }

    def history(self) -> list[Message]:
        """What stands in the channel itself, oldest first: no replies, nothing ephemeral."""
        return [m for m in self.messages.values() if m.ephemeral_to is None and (not m.is_reply or m.broadcast)]

    def thread(self, root_ts: str) -> list[Message]:
        """The root and its replies, oldest first."""
        return [m for m in self.messages.values() if m.ephemeral_to is None and root_ts in (m.ts, m.thread_ts)]

    def message(self, ts: str) -> Message:
        if ts not in self.messages:
            raise RefusedError("message_not_found")
        return self.messages[ts]

    def remove(self, ts: str) -> Message:
        """A root with replies stays, and says that it was deleted."""
        message = self.message(ts)
        if message.replies:
            message.bury()
            return message
        del self.messages[ts]
        root = self.messages.get(message.thread_ts or "")
        if root is not None and ts in root.replies:
            root.replies.remove(ts)
        return message


class Conversations:
    """Every conversation of the workspace: the channels, and each person's direct messages with the app."""

    def __init__(self, channels: Iterable[Channel], people: Iterable[Person]) -> None:
        self._timestamps = Timestamps()
        self._people = {person.id for person in people}
        self._by_id = {
            channel.id: Conversation(
                channel.id,
                channel.name,
                channel.topic,
                self._people | ({BOT_USER_ID} if channel.with_app else set()),
            )
            for channel in channels
        }
        for person in self._people:
            direct = Conversation(direct_id(person), "", "", {person, BOT_USER_ID}, direct_with=person)
            self._by_id[direct.id] = direct

    def all(self) -> list[Conversation]:
        return list(self._by_id.values())

    def by_id(self, conversation_id: str) -> Conversation:
        if conversation_id not in self._by_id:
            raise RefusedError("channel_not_found")
        return self._by_id[conversation_id]

    def find(self, name: str) -> Conversation:
        """By identifier, `#name`, name, or a person's identifier for the direct message with them.

        Slack takes names where a message is posted, and identifiers only everywhere else.
        """
        if name in self._by_id:
            return self._by_id[name]
        if name in self._people:
            return self.direct(name)
        bare = name.removeprefix("#")
        for conversation in self._by_id.values():
            if conversation.name == bare and conversation.direct_with is None:
                return conversation
        raise RefusedError("channel_not_found")

    def direct(self, person: str) -> Conversation:
        return self._by_id[direct_id(person)]

    def add(
        self,
        conversation: Conversation,
        user: str,
        content: Content,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        ephemeral_to: str | None = None,
    ) -> Message:
        """Write a message; a reply to a reply joins the root's thread."""
        root = self._root(conversation, thread_ts) if thread_ts else None
        message = Message(
            channel=conversation.id,
            ts=self._timestamps.next(),
            user=user,
            content=content,
            thread_ts=root.ts if root else None,
            broadcast=broadcast and root is not None,
            ephemeral_to=ephemeral_to,
        )
        conversation.messages[message.ts] = message
        if root is not None and ephemeral_to is None:
            root.thread_ts = root.ts
            root.replies.append(message.ts)
            if user not in root.reply_users:
                root.reply_users.append(user)
        return message

    def now(self) -> str:
        return self._timestamps.next()

    @staticmethod
    def _root(conversation: Conversation, thread_ts: str) -> Message:
        message = conversation.messages.get(thread_ts)
        if message is None or message.ephemeral_to is not None:
            raise RefusedError("thread_not_found")
        return message if not message.is_reply else conversation.message(message.thread_ts or "")
