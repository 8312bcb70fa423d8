"""Small pieces that messages are made of."""

from collections.abc import Sequence
from datetime import UTC, datetime

from slack_sdk.models.blocks import MarkdownTextObject, SectionBlock

from bot.message import Block
from bot.text import fit

LIST_CHARACTERS = 400


def section(text: str) -> Block:
    """A paragraph of mrkdwn."""
    return SectionBlock(text=MarkdownTextObject(text=text)).to_dict()


def moment(at: float) -> str:
    """A time that Slack shows in the reader's own zone."""
    fallback = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"<!date^{int(at)}^{{date_short_pretty}} {{time_secs}}|{fallback}>"


def listed(names: Sequence[str]) -> str:
    """Names as far as there is room, and how many more there are."""
    shown: list[str] = []
    for name in names:
        if len(", ".join([*shown, name])) > LIST_CHARACTERS:
            break
        shown.append(name)
    if not shown:
        return fit(names[0], LIST_CHARACTERS)
    rest = len(names) - len(shown)
    return fit(", ".join(shown), LIST_CHARACTERS) + (f" and {rest} more" if rest else "")
