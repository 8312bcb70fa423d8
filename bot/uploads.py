"""Files that go with answers: noted before they are uploaded, and looked for where nobody knows whether they came."""

from dataclasses import dataclass

from slack_sdk import WebClient

from bot.delivery import LOOKUP_PAGE, UPLOADED
from bot.shown import Cards
from model.operation import Card


@dataclass(frozen=True)
class Upload:
    """A file for a channel, noted as `record`; it is looked for by its name among what was posted `since`."""

    record: str
    channel: str
    name: str
    title: str
    content: str | bytes
    alt: str = ""
    since: float = 0.0


class Uploads:
    """Uploads at most once, as far as Slack lets itself be asked."""

    def __init__(self, client: WebClient, cards: Cards) -> None:
        self._client = client
        self._cards = cards

    def is_doubtful(self, upload: Upload) -> bool:
        """Whether it may be there already."""
        card = self._cards.get(upload.record)
        return card is not None and not card.ts

    def make(self, upload: Upload) -> bool:
        """Upload it, unless it is noted as there; True once it is there."""
        if self._cards.get(upload.record) is None:
            self._cards.begin(upload.record, upload.channel)
            self._client.files_upload_v2(
                channel=upload.channel,
                filename=upload.name,
                title=upload.title,
                alt_txt=upload.alt or None,
                content=upload.content,
            )
            self._there(upload)
        return True

    def look(self, upload: Upload) -> bool:
        """Whether it is there; where it is not, it may be uploaded again."""
        page = self._client.conversations_history(
            channel=upload.channel, limit=LOOKUP_PAGE, oldest=f"{upload.since:.6f}" if upload.since else None
        )
        found = any(
            file.get("name") == upload.name
            for message in page.get("messages") or ()
            for file in message.get("files") or ()
        )
        if found:
            self._there(upload)
        else:
            self.is_not_there(upload.record)
        return found

    def is_not_there(self, record: str) -> None:
        """Note that a file did not come, or that nobody can tell."""
        self._cards.forget(record)

    def _there(self, upload: Upload) -> None:
        self._cards.put(Card(record=upload.record, channel=upload.channel, ts=UPLOADED))
