"""One call to Slack for one letter: post it, edit it, or look whether it was posted already."""

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


@dataclass(frozen=True)
class Letter:
    """A record as it should stand in Slack; `shown` names this state, `parent` the card in whose thread it goes."""

    record: str
    message: Message
    shown: str
    channel: str
    parent: str | None = None
    urgent: bool = False


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

    def next_call(self, letter: Letter, *, looked: bool) -> Call | Blocked:
        """What to do next; `looked` says that a doubtful post was looked for in vain."""
        card = self._cards.get(letter.record)
        if card is not None and card.ts:
            unchanged = card.shown == letter.shown
            return "nothing to do" if unchanged else Call("chat.update", card.channel, ts=card.ts)
        channel, thread = self._place(letter, card)
        if letter.parent is not None and not thread:
            return "waits for its card"
        if channel is None:
            return "unknown channel"
        if card is not None and not looked:
            return Call("conversations.replies" if thread else "conversations.history", channel, thread)
        return Call("chat.postMessage", channel, thread)

    def post(self, call: Call, letter: Letter, form: int) -> None:
        """Post a letter, noting before that it may be posted."""
        self._cards.begin(letter.record, call.channel)
        answer = self._client.chat_postMessage(
            channel=call.channel, thread_ts=call.thread or None, **_content(letter, form), **_NO_PREVIEWS
        )
        self._stands(letter, call.channel, str(answer["ts"]), letter.shown)

    def edit(self, call: Call, letter: Letter, form: int) -> None:
        """Bring what stands there to the letter's state."""
        self._client.chat_update(channel=call.channel, ts=call.ts, **_content(letter, form))
        self._stands(letter, call.channel, call.ts, letter.shown)

    def look(self, call: Call, letter: Letter) -> bool:
        """Look for a letter that may have been posted; what is found is noted as out of date."""
        for message in self._messages(call):
            metadata = message.get("metadata") or {}
            record = (metadata.get("event_payload") or {}).get("record")
            if metadata.get("event_type") == EVENT_TYPE and record == letter.record:
                self._stands(letter, call.channel, str(message["ts"]), "")
                return True
        return False

    def is_gone(self, call: Call, letter: Letter) -> None:
        """Note that what stood there cannot be edited any more."""
        self._stands(letter, call.channel, "", "")

    def _place(self, letter: Letter, card: Card | None) -> tuple[str | None, str]:
        if letter.parent is not None:
            parent = self._cards.get(letter.parent)
            return (None, "") if parent is None else (parent.channel, parent.ts)
        return (self._channels.known(letter.channel) if card is None else card.channel), ""

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

    def _stands(self, letter: Letter, channel: str, ts: str, shown: str) -> None:
        self._cards.put(Card(record=letter.record, channel=channel, ts=ts, shown=shown))


_NO_PREVIEWS: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}


def _content(letter: Letter, form: int) -> dict[str, Any]:
    return {
        "text": letter.message.text,
        "blocks": list(letter.message.forms()[form]),
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"record": letter.record}},
    }
