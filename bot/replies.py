"""The answer to an intent as what has to be sent for it: words, a file to the person, a file to the channel. Pure."""

import hashlib
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, MarkdownTextObject, SectionBlock

from bot.actions import LEAVE, RUN_LINE
from bot.help import SLASH
from bot.message import Block
from bot.text import clip, split
from model.mrkdwn import as_meant
from model.operation import Intent

# Slack shows about this many characters of a message before it asks to unfold it.
PART_CHARACTERS = 3800
SECTION_CHARACTERS = 3000
# What is longer than so many parts comes as a file.
MOST_PARTS = 3
BUTTON_CHARACTERS = 75
VALUE_CHARACTERS = 2000
ELSEWHERE = ":page_facing_up: the whole of it is in your messages with flstr"


@dataclass(frozen=True)
class Words:
    """A message for one person."""

    text: str
    blocks: tuple[Block, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """As the Web API and a response_url take it."""
        return {"text": self.text, **({"blocks": list(self.blocks)} if self.blocks else {})}


@dataclass(frozen=True)
class DirectFile:
    """The whole of a long answer, for the person's direct messages; `instead` is sent where Slack refuses it."""

    name: str
    title: str
    content: str
    instead: tuple[Words, ...]


@dataclass(frozen=True)
class ChannelFile:
    """The file that goes with the answer. Slack has no files for one person only."""


Piece = Words | DirectFile | ChannelFile


def pieces(intent: Intent, link: str = "") -> list[Piece]:
    """What has to be sent, in order; `link` names the operation under way that the answer is about."""
    text = "\n".join(part for part in (intent.answer, link) if part.strip())
    parts = [part for part in split(text, PART_CHARACTERS) if part.strip()]
    line = intent.instead.removeprefix(f"{SLASH} ").strip()
    whole = [*(Words(part) for part in parts[:-1]), *(_offering(part, line) for part in parts[-1:])]
    files: list[Piece] = [ChannelFile()] if intent.attached else []
    if len(parts) <= MOST_PARTS:
        return [*whole, *files]
    said = hashlib.sha256(intent.id.encode()).hexdigest()[:8]
    content = as_meant(text)
    direct = DirectFile(
        f"{intent.verb}-{said}.txt", f"Answer to {intent.words or intent.verb}"[:200], content, tuple(whole)
    )
    return [direct, _offering(f"{parts[0]}\n{ELSEWHERE}", line), *files]


def _offering(text: str, line: str) -> Words:
    """Words with two buttons, where there is a line to offer; who sees no buttons reads what to type."""
    if not line:
        return Words(text)
    sections = [
        SectionBlock(text=MarkdownTextObject(text=part)).to_dict()
        for part in split(text, SECTION_CHARACTERS)
        if part.strip()
    ]
    buttons = [
        ButtonElement(text=clip(f"Yes: {line}", BUTTON_CHARACTERS), action_id=RUN_LINE, value=line, style="primary"),
        ButtonElement(text="No", action_id=LEAVE, value="no"),
    ]
    typed = f"{text}\nYes: type `{SLASH} {line}`"
    if len(line) > VALUE_CHARACTERS:
        return Words(typed)
    return Words(typed, (*sections, ActionsBlock(elements=buttons).to_dict()))
