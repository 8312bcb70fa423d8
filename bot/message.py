"""A message in the forms that Slack may take, richest first."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """`text` is what notifications read and what is left where Slack refuses every block.

    `plain_blocks` stand in for `blocks` where Slack refuses the newer kinds of block.
    """

    text: str
    blocks: tuple[Block, ...] = ()
    plain_blocks: tuple[Block, ...] = ()

    def digest(self) -> str:
        """Sixteen digits that change with anything that is shown."""
        whole = json.dumps([self.text, self.blocks, self.plain_blocks], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    def forms(self) -> tuple[tuple[Block, ...], ...]:
        """The blocks to try in turn; the last form has none and shows the text alone."""
        return (*(blocks for blocks in (self.blocks, self.plain_blocks) if blocks), ())
