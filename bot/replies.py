"""The answer to an intent as what has to be sent for it: words, a file to the person, a file to the channel. Pure."""

import hashlib
from dataclasses import dataclass
from typing import Any

from bot.help import SLASH
from bot.message import Block
from bot.offers import offer, typed
from bot.text import split
from model.mrkdwn import as_meant
from model.operation import Intent

# Slack shows about this many characters of a message before it asks to unfold it.
PART_CHARACTERS = 3800
# What is longer than so many parts comes as a file.
MOST_PARTS = 3
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
    return Words(typed(text, line), offer(text, line))
