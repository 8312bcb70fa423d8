"""One call to Slack for one letter: post it, edit it, upload it, or look whether it is there already."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from slack_sdk import WebClient

from bot.channels import Channels
from bot.message import Message
from bot.pace import Method
from bot.shown import Cards
from model.operation import Card

EVENT_TYPE = "flstr_card"
LOOKUP_PAGES = 5
LOOKUP_PAGE = 200
# A file has no place that could be edited: that it is there is all that is known.
UPLOADED = "uploaded"


@dataclass(frozen=True)
class TextFile:
    """What is too long for a message; the name is the only one of its kind in the thread."""

    name: str
    title: str
    content: str


@dataclass(frozen=True)
class Letter:
    """A record as it should stand in Slack; `shown` names this state, `parent` the card in whose thread it goes.

    A reply that is a `broadcast` is seen in the channel as well. Where a `file` is refused, the message is posted.
    """

    record: str
    message: Message
    shown: str
    channel: str
    parent: str | None = None
    broadcast: bool = False
    file: TextFile | None = None

    def forms(self) -> int:
        """In how many forms it can be tried."""
        return len(self.message.forms()) + (self.file is not None)


@dataclass(frozen=True)
class Home:
    """The home tab of a Slack user, as it should be."""

    record: str
    user: str
    view: dict[str, Any]


@dataclass(frozen=True)
class Call:
    """The next call for a letter; `channel` is an id."""

    method: Method
    channel: str
    thread: str = ""
    ts: str = ""


Blocked = Literal["nothing to do", "waits for its card", "unknown channel"]


class Delivery:
    """Decides the next call of a letter, and makes it."""

    def __init__(self, client: WebClient, cards: Cards, channels: Channels) -> None:
        self._client = client
        self._cards = cards
        self._channels = channels

    def guess(self, record: str, channel: str, parent: str | None) -> Call | Blocked:
        """What the next call for a record will probably be, before anybody has read its newest state."""
        card = self._cards.get(record)
        if card is not None and card.ts:
            return Call("chat.update", card.channel, ts=card.ts)
        place, thread = self._place(channel, parent, card)
        if parent is not None and not thread:
            return "waits for its card"
        return "unknown channel" if place is None else Call("chat.postMessage", place, thread)

    def next_call(self, letter: Letter | Home, form: int, *, looked: bool) -> Call | Blocked:
        """What to do next; `looked` says that a doubtful post was looked for in vain."""
        if isinstance(letter, Home):
            return Call("views.publish", "")
        card = self._cards.get(letter.record)
        if card is not None and card.ts:
            unchanged = card.shown == letter.shown or card.ts == UPLOADED
            return "nothing to do" if unchanged else Call("chat.update", card.channel, ts=card.ts)
        channel, thread = self._place(letter.channel, letter.parent, card)
        if letter.parent is not None and not thread:
            return "waits for its card"
        if channel is None:
            return "unknown channel"
        if card is not None and not looked:
            return Call("conversations.replies" if thread else "conversations.history", channel, thread)
        return Call("files.upload" if _uploads(letter, form) else "chat.postMessage", channel, thread)

    def publish(self, home: Home) -> None:
        """Show somebody their home tab."""
        self._client.views_publish(user_id=home.user, view=home.view)

    def post(self, call: Call, letter: Letter, form: int) -> None:
        """Post a letter, noting before that it may be posted."""
        self._cards.begin(letter.record, call.channel)
        answer = self._client.chat_postMessage(
            channel=call.channel,
            thread_ts=call.thread or None,
            reply_broadcast=True if letter.broadcast and call.thread else None,
            **_content(letter, form),
            **_NO_PREVIEWS,
        )
        self._stands(letter.record, call.channel, str(answer["ts"]), letter.shown)

    def upload(self, call: Call, letter: Letter, file: TextFile) -> None:
        """Upload a letter's file, noting before that it may be there."""
        self._cards.begin(letter.record, call.channel)
        self._client.files_upload_v2(
            channel=call.channel,
            thread_ts=call.thread or None,
            filename=file.name,
            title=file.title,
            content=file.content,
        )
        self._stands(letter.record, call.channel, UPLOADED, letter.shown)

    def edit(self, call: Call, letter: Letter, form: int) -> None:
        """Bring what stands there to the letter's state."""
        self._client.chat_update(channel=call.channel, ts=call.ts, **_content(letter, form))
        self._stands(letter.record, call.channel, call.ts, letter.shown)

    def look(self, call: Call, letter: Letter) -> bool:
        """Look for a letter that may have been posted; what is found is noted as out of date."""
        for message in self._messages(call):
            metadata = message.get("metadata") or {}
            record = (metadata.get("event_payload") or {}).get("record")
            if metadata.get("event_type") == EVENT_TYPE and record == letter.record:
                self._stands(letter.record, call.channel, str(message["ts"]), "")
                return True
            if letter.file is not None and any(f.get("name") == letter.file.name for f in message.get("files") or ()):
                self._stands(letter.record, call.channel, UPLOADED, letter.shown)
                return True
        return False

    def is_gone(self, record: str, channel: str) -> None:
        """Note that what stood there cannot be edited any more."""
        self._stands(record, channel, "", "")

    def _place(self, channel: str, parent: str | None, card: Card | None) -> tuple[str | None, str]:
        if parent is not None:
            above = self._cards.get(parent)
            return (None, "") if above is None else (above.channel, above.ts)
        return (self._channels.known(channel) if card is None else card.channel), ""

    def _messages(self, call: Call) -> Iterator[dict[str, Any]]:
        cursor = None
        for _ in range(LOOKUP_PAGES):
            page = (
                self._client.conversations_replies(
                    channel=call.channel, ts=call.thread, cursor=cursor, limit=LOOKUP_PAGE, include_all_metadata=True
                )
                if call.method == "conversations.replies"
                else self._client.conversations_history(
                    channel=call.channel, cursor=cursor, limit=LOOKUP_PAGE, include_all_metadata=True
                )
            )
            yield from page.get("messages") or ()
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _stands(self, record: str, channel: str, ts: str, shown: str) -> None:
        self._cards.put(Card(record=record, channel=channel, ts=ts, shown=shown))


_NO_PREVIEWS: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}


def _uploads(letter: Letter, form: int) -> bool:
    return letter.file is not None and form == 0


def _content(letter: Letter, form: int) -> dict[str, Any]:
    blocks = letter.message.forms()[form - (letter.file is not None)]
    return {
        "text": letter.message.text,
        "blocks": list(blocks),
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"record": letter.record}},
    }
