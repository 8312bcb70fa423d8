"""How what was found outside is told, whatever was looked at: a sign and a line a finding, green where all is well."""

from typing import Literal

from model.mrkdwn import MORE, inert

Level = Literal["error", "warning"]

MARKS: dict[Level, str] = {"error": ":red_circle:", "warning": ":large_yellow_circle:"}
FINE = ":large_green_circle:"


def line(level: Level, whom: str, text: str, mend: str) -> str:
    """One finding as Slack mrkdwn, of parts that are mrkdwn already."""
    return f"{MARKS[level]} {whom}: {text}. _Mend:_ {mend}"


def shown(text: str, longest: int) -> str:
    """A stranger's words: on one line, cut where they are longer, without a meaning to Slack."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return inert(plain if len(plain) <= longest else plain[:longest] + MORE)
