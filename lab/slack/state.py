"""The workspace as one object: everything that a request may read or change."""

from collections.abc import Iterable
from dataclasses import dataclass

from lab.slack.calls import CallLog, Faults
from lab.slack.conversations import Conversation, Conversations
from lab.slack.feed import Feed
from lab.slack.files import Files
from lab.slack.limits import RateLimiter
from lab.slack.messages import Content, Message
from lab.slack.settings import SlackSettings
from lab.slack.socket_mode import SocketMode
from lab.slack.triggers import ResponseUrls, Triggers
from lab.slack.views import Views
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import Channel, Person, UserGroup


@dataclass
class Slack:
    """`base_url` is where people are, `app_url` where the app is told to come to."""

    settings: SlackSettings
    people: dict[str, Person]
    user_groups: tuple[UserGroup, ...]
    commands: tuple[str, ...]
    conversations: Conversations
    views: Views
    files: Files
    triggers: Triggers
    response_urls: ResponseUrls
    limiter: RateLimiter
    socket: SocketMode
    feed: Feed
    calls: CallLog
    faults: Faults
    base_url: str = ""
    app_url: str = ""

    @classmethod
    def new(
        cls,
        people: Iterable[Person],
        channels: Iterable[Channel],
        user_groups: Iterable[UserGroup],
        commands: Iterable[str],
        settings: SlackSettings,
    ) -> "Slack":
        everyone = tuple(people)
        feed = Feed()
        return cls(
            settings=settings,
            people={person.id: person for person in everyone},
            user_groups=tuple(user_groups),
            commands=tuple(commands),
            conversations=Conversations(channels, everyone),
            views=Views(),
            files=Files(),
            triggers=Triggers(settings.trigger_seconds),
            response_urls=ResponseUrls(settings.response_url_uses, settings.response_url_seconds),
            limiter=RateLimiter(settings.rate_limits),
            socket=SocketMode(settings.ack_seconds, settings.socket_connections, feed),
            feed=feed,
            calls=CallLog(),
            faults=Faults(),
        )

    def group(self, group_id: str) -> UserGroup:
        for group in self.user_groups:
            if group.id == group_id:
                return group
        raise RefusedError("no_such_subteam")

    def person(self, user_id: str) -> Person:
        if user_id not in self.people:
            raise RefusedError("user_not_found")
        return self.people[user_id]

    def say(
        self,
        conversation: Conversation,
        user: str,
        content: Content,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        ephemeral_to: str | None = None,
    ) -> Message:
        """Write a message and let the page know, with the root whose reply count it changes."""
        message = self.conversations.add(
            conversation, user, content, thread_ts=thread_ts, broadcast=broadcast, ephemeral_to=ephemeral_to
        )
        self.show(message)
        if message.is_reply:
            self.show(conversation.message(message.thread_ts or ""))
        return message

    def show(self, message: Message) -> None:
        self.feed.publish({"type": "message", "message": page_message(message)})

    def remove(self, conversation: Conversation, ts: str) -> None:
        message = conversation.remove(ts)
        if message.deleted:
            self.show(message)
            return
        self.feed.publish({"type": "deleted", "channel": conversation.id, "ts": ts})
        root = conversation.messages.get(message.thread_ts or "")
        if root is not None:
            self.show(root)

    def show_views(self, person: str) -> None:
        home = self.views.home(person)
        self.feed.publish(
            {
                "type": "views",
                "person": person,
                "modals": [view.wire() for view in self.views.stack(person)],
                "home": home.wire() if home else None,
            }
        )


def page_message(message: Message) -> Json:
    """A message for the page and the tests: with its channel and, when ephemeral, who sees it."""
    return message.wire() | {"channel": message.channel, "ephemeral_to": message.ephemeral_to}
