"""A message as the workspace keeps it, and as the Web API returns it."""

from dataclasses import dataclass, field

from lab.slack.wire import Json
from lab.slack.workspace import APP_ID, BOT_ID, BOT_NAME, BOT_USER_ID, SLACKBOT_ID, TEAM_ID


@dataclass(frozen=True)
class Content:
    """What an author wrote, checked."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    files: list[Json] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.text or self.blocks or self.attachments or self.files)


@dataclass
class Message:
    """`ephemeral_to` is the one person who sees it; such a message is in no history. `deleted` is a root whose
    replies outlast it."""

    channel: str
    ts: str
    user: str
    content: Content
    thread_ts: str | None = None
    broadcast: bool = False
    edited_ts: str | None = None
    ephemeral_to: str | None = None
    deleted: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    reply_users: list[str] = field(default_factory=list)

    def bury(self) -> None:
        """Deleted with replies below it: a stone stays for them to hang on."""
        self.deleted, self.user, self.edited_ts = True, SLACKBOT_ID, None
        self.content = Content(text="This message was deleted.")
        self.reactions.clear()

    @property
    def by_app(self) -> bool:
        return self.user == BOT_USER_ID

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    def wire(self, *, with_metadata: bool = True) -> Json:
        """The message object of conversations.history."""
        wire: Json = {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "team": TEAM_ID,
            "text": self.content.text,
        }
        if self.by_app:
            wire |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": BOT_PROFILE}
        if self.content.blocks:
            wire["blocks"] = self.content.blocks
        if self.content.attachments:
            wire["attachments"] = self.content.attachments
        if self.content.files:
            wire["files"] = self.content.files
        if self.content.metadata and with_metadata:
            wire["metadata"] = self.content.metadata
        return wire | self._standing()

    def _standing(self) -> Json:
        """What happened to the message since it was written."""
        wire: Json = {}
        if self.thread_ts is not None:
            wire["thread_ts"] = self.thread_ts
        if self.broadcast:
            wire["subtype"] = "thread_broadcast"
        if self.deleted:
            wire |= {"subtype": "tombstone", "hidden": True}
        if self.edited_ts is not None:
            wire["edited"] = {"user": self.user, "ts": self.edited_ts}
        if self.ephemeral_to is not None:
            wire["is_ephemeral"] = True
        if self.replies:
            wire |= {
                "reply_count": len(self.replies),
                "reply_users": self.reply_users,
                "reply_users_count": len(self.reply_users),
                "latest_reply": self.replies[-1],
            }
        if self.reactions:
            wire["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        return wire


BOT_PROFILE: Json = {
    "id": BOT_ID,
    "app_id": APP_ID,
    "user_id": BOT_USER_ID,
    "name": BOT_NAME,
    "team_id": TEAM_ID,
    "deleted": False,
}
