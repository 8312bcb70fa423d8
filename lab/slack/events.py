"""The Events API over Socket Mode: what the app subscribed to, delivered again until it is acknowledged."""

import asyncio
from collections.abc import Collection

from lab.slack import payloads
from lab.slack.conversations import Conversation
from lab.slack.envelopes import Envelope
from lab.slack.messages import Message
from lab.slack.socket_mode import SocketMode
from lab.slack.views import View
from lab.slack.wire import Json
from lab.slack.workspace import BOT_USER_ID, TEAM_ID, UserGroup


class Events:
    def __init__(self, socket: SocketMode, subscriptions: Collection[str], retry_seconds: tuple[float, ...]) -> None:
        self._socket = socket
        self._subscriptions = frozenset(subscriptions)
        self._retry_seconds = retry_seconds
        self._tasks: set[asyncio.Task[None]] = set()

    def message(self, place: Conversation, message: Message) -> None:
        """A person wrote where the app is a member."""
        if BOT_USER_ID not in place.members:
            return
        wire = message.wire() | {"channel": place.id, "event_ts": message.ts}
        self._emit(wire | {"channel_type": "im" if place.direct_with else "channel"})
        if f"<@{BOT_USER_ID}>" in message.content.text and not place.direct_with:
            self._emit(wire | {"type": "app_mention"})

    def home_opened(self, place: Conversation, person: str, home: View | None, tab: str) -> None:
        event: Json = {"type": "app_home_opened", "user": person, "channel": place.id, "tab": tab}
        self._emit(event | ({"view": home.wire()} if home and tab == "home" else {}))

    def deleted(self, place: Conversation, previous: Json, now: str) -> None:
        event = {"type": "message", "subtype": "message_deleted", "hidden": True, "channel": place.id, "ts": now}
        kind = {"channel_type": "im" if place.direct_with else "channel", "event_ts": now}
        if BOT_USER_ID in place.members:
            self._emit(event | kind | {"deleted_ts": previous["ts"], "previous_message": previous})

    def joined(self, place: Conversation, user: str) -> None:
        if BOT_USER_ID in place.members:
            self._emit(_membership("member_joined_channel", place, user))

    def left(self, place: Conversation, user: str) -> None:
        """The app itself hears that it was removed by another name."""
        if user == BOT_USER_ID:
            self._emit({"type": "channel_left", "channel": place.id})
        elif BOT_USER_ID in place.members:
            self._emit(_membership("member_left_channel", place, user))

    def group_changed(self, before: UserGroup, after: UserGroup) -> None:
        added = [member for member in after.members if member not in before.members]
        removed = [member for member in before.members if member not in after.members]
        event: Json = {"type": "subteam_members_changed", "subteam_id": after.id, "team_id": TEAM_ID}
        event |= {"added_users": added, "added_users_count": len(added)}
        self._emit(event | {"removed_users": removed, "removed_users_count": len(removed)})

    def _emit(self, event: Json) -> None:
        if event["type"] in self._subscriptions:
            task = asyncio.create_task(self._deliver(payloads.event_callback(event)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, payload: Json) -> None:
        """Once, and again on Slack's schedule (`retry_seconds`) while nobody acknowledges."""
        delivery = await self._socket.deliver(Envelope("events_api", payload))
        for attempt, seconds in enumerate(self._retry_seconds, start=1):
            if delivery.acknowledged:
                return
            await asyncio.sleep(seconds)
            again = Envelope("events_api", payload, retry_attempt=attempt, retry_reason="timeout")
            delivery = await self._socket.deliver(again)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _membership(kind: str, place: Conversation, user: str) -> Json:
    return {"type": kind, "user": user, "channel": place.id, "channel_type": "C", "team": TEAM_ID}
