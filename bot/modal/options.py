"""What the selects of the modal offer for what was typed. Pure."""

import re
from collections.abc import Sequence
from typing import Any

from bot.text import clip
from model.commits import RecentCommit, RecentCommits

Json = dict[str, Any]

MOST = 100
OPTION_CHARACTERS = 75
HASH_CHARACTERS = 12
_REFERENCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,74}")


def names(known: Sequence[str], typed: str) -> list[Json]:
    """Apps and pools whose name has what was typed in it, those that begin with it first."""
    wanted = typed.strip().lower()
    found = [name for name in known if wanted in name]
    return [_option(name, name) for name in sorted(found, key=lambda name: not name.startswith(wanted))[:MOST]]


def commits(recent: RecentCommits | None, typed: str, now: float) -> list[Json]:
    """Commits whose hash, subject or author has what was typed in it; what is none of them goes as it was typed."""
    wanted = typed.strip().lower()
    known = recent.commits if recent is not None else ()
    found = [commit for commit in known if wanted in _searched(commit) or commit.hash.startswith(wanted)]
    options = [_option(_title(commit, now), commit.hash[:HASH_CHARACTERS]) for commit in found[:MOST]]
    if not options and _REFERENCE.fullmatch(typed.strip()):
        return [_option(f"Commit, branch or tag {typed.strip()}", typed.strip())]
    return options


def age(seconds: float) -> str:
    """`5 min`, `3 h`, `12 d`."""
    minutes = max(0, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _searched(commit: RecentCommit) -> str:
    return f"{commit.subject} {commit.author}".lower()


def _title(commit: RecentCommit, now: float) -> str:
    # Whose it is and how old it is stand at the end, and are not cut off.
    end = f" · {clip(commit.author, 20)}, {age(now - commit.at)}"
    return clip(f"{commit.hash[:7]} {commit.subject}", OPTION_CHARACTERS - len(end)) + end


def _option(text: str, value: str) -> Json:
    return {"text": {"type": "plain_text", "text": clip(text, OPTION_CHARACTERS)}, "value": value[:OPTION_CHARACTERS]}
