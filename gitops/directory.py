"""Who is who in Slack, as far as rights depend on it. The bot knows; where there is none, nobody is in any group."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Profile:
    """What Slack knows of a user: the name as people read it, and the address that signs their commits."""

    user: str
    name: str
    email: str


class Directory(Protocol):
    """Answers are a minute old at most. Each raises `Unreadable` where Slack does not say."""

    def in_group(self, user: str, group: str) -> bool:
        """Whether a Slack user belongs to a user group, by its id."""

    def in_channel(self, user: str, channel: str) -> bool:
        """Whether a Slack user is a member of a channel, by its name."""

    def profile(self, user: str) -> Profile | None:
        """A Slack user, or None for one that is not there."""

    def by_email(self, email: str) -> Profile | None:
        """The Slack user with this address, or None."""


class Nobody:
    """The directory where flstr works without Slack."""

    def in_group(self, user: str, group: str) -> bool:  # noqa: ARG002
        """Nobody is."""
        return False

    def in_channel(self, user: str, channel: str) -> bool:  # noqa: ARG002
        """Nobody is."""
        return False

    def profile(self, user: str) -> Profile | None:  # noqa: ARG002
        """None."""
        return None

    def by_email(self, email: str) -> Profile | None:  # noqa: ARG002
        """None."""
        return None
