"""What is said of logged certificates: one line a finding."""

from dataclasses import dataclass

from executors.findings import Level


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what to do; both are Slack mrkdwn already."""

    level: Level
    text: str
    mend: str
