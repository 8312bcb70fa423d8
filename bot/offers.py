"""A sentence with the line that was probably meant: one click runs it, another one leaves everything as it is."""

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, PlainTextObject, SectionBlock

from bot.actions import LEAVE, RUN_LINE
from bot.message import Block
from bot.text import clip

BUTTON_CHARACTERS = 75
VALUE_CHARACTERS = 2000
SECTION_CHARACTERS = 3000


def offer(text: str, instead: str) -> list[Block]:
    """Blocks for one person; `text` is mrkdwn. None where there is nothing to offer."""
    if not instead or len(instead) > VALUE_CHARACTERS:
        return []
    run = ButtonElement(text=_plain(instead), action_id=RUN_LINE, value=instead, style="primary")
    leave = ButtonElement(text=_plain("Leave it"), action_id=LEAVE, value=instead)
    section = SectionBlock(text=clip(text, SECTION_CHARACTERS))
    return [section.to_dict(), ActionsBlock(elements=[run, leave]).to_dict()]


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=clip(text, BUTTON_CHARACTERS))
