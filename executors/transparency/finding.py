"""What is said of logged certificates: one line a finding."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]

MARKS: dict[Level, str] = {"error": ":red_circle:", "warning": ":large_yellow_circle:"}
FINE = ":large_green_circle:"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what to do; both are Slack mrkdwn already."""

    level: Level
    text: str
    mend: str
