"""A sentence with the line that was probably meant: one click runs it, another one leaves everything as it is."""

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, PlainTextObject

from bot.actions import LEAVE, RUN_LINE
from bot.help import SLASH
from bot.message import Block
from bot.parts import section
from bot.text import clip, split

BUTTON_CHARACTERS = 75
VALUE_CHARACTERS = 2000
SECTION_CHARACTERS = 3000


def offer(text: str, line: str) -> tuple[Block, ...]:
    """Blocks for one person; `text` is mrkdwn. None where there is nothing to offer."""
    if not line or len(line) > VALUE_CHARACTERS:
        return ()
    sections = [section(part) for part in split(text, SECTION_CHARACTERS) if part.strip()]
    run = ButtonElement(text=_plain(f"Yes: {line}"), action_id=RUN_LINE, value=line, style="primary")
    leave = ButtonElement(text=_plain("No"), action_id=LEAVE, value="no")
    return (*sections, ActionsBlock(elements=[run, leave]).to_dict())


def typed(text: str, line: str) -> str:
    """The same for who sees no buttons: what to type."""
    return f"{text}\nYes: type `{SLASH} {line}`" if line else text


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=clip(text, BUTTON_CHARACTERS))
