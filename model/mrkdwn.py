"""Slack's markup, as far as what is said to people needs it."""

import re

from model.operation import OperationStatus

SIGNS: dict[OperationStatus, str] = {
    "awaiting_approval": ":raised_hand:",
    "queued": ":hourglass_flowing_sand:",
    "running": ":gear:",
    "done": ":white_check_mark:",
    "failed": ":x:",
    "cancelled": ":octagonal_sign:",
    "denied": ":no_entry:",
    "expired": ":alarm_clock:",
    "void": ":wastebasket:",
    "superseded": ":fast_forward:",
}

FENCE = "```"
MORE = "…"

# Slack has no way to write these as they are: letters that look the same mean nothing to it.
_ALIKE = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb", ":": "\u2236"}
_MEANT = {alike: letter for letter, alike in _ALIKE.items()}
# An underscore inside a word, as in vpn_ingr, is one to Slack as well; a colon begins an emoji only where one ends it.
_MARKUP = re.compile(r"[*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=[A-Za-z0-9_+'-]+:)")


def escape(text: str) -> str:
    """Text in which Slack sees no mention and no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def inert(text: str) -> str:
    """Text in which Slack sees no markup at all, for what a stranger or a machine may have written."""
    return escape(_MARKUP.sub(lambda found: _ALIKE[found[0]], text))


def as_meant(text: str) -> str:
    """Text with the letters for which `inert` put others; for where nothing is markup."""
    return "".join(_MEANT.get(letter, letter) for letter in text)


def code_block(output: str, limit: int) -> str:
    """The last lines of an output that fit, as a code block that the output cannot leave."""
    room = limit - 2 * (len(FENCE) + 1) - len(MORE) - 1
    lines = output.replace(FENCE, "'''").strip("\n").split("\n")
    kept: list[str] = []
    used = 0
    for line in reversed(lines):
        safe = escape(line)
        used += len(safe) + 1
        if used > room:
            break
        kept.insert(0, safe)
    if not kept:
        # Escaping makes one character into five at most.
        kept = [escape(lines[-1][-(room // 5) :])]
    dropped = [MORE] if len(kept) < len(lines) else []
    return "\n".join([FENCE, *dropped, *kept, FENCE])
