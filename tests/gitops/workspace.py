"""A Slack workspace as far as rights depend on it, in memory; a person can make it fall silent."""

from dataclasses import dataclass, field

from gitops.directory import Profile
from model.errors import Unreadable


@dataclass
class Workspace:
    """Members of user groups and channels by user id, and everybody's profile."""

    groups: dict[str, set[str]] = field(default_factory=dict)
    channels: dict[str, set[str]] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    silent: bool = False

    def in_group(self, user: str, group: str) -> bool:
        self._answers()
        return user in self.groups.get(group, set())

    def in_channel(self, user: str, channel: str) -> bool:
        self._answers()
        return user in self.channels.get(channel, set())

    def profile(self, user: str) -> Profile | None:
        self._answers()
        return self.profiles.get(user)

    def by_email(self, email: str) -> Profile | None:
        self._answers()
        return next((one for one in self.profiles.values() if one.email == email), None)

    def _answers(self) -> None:
        if self.silent:
            raise Unreadable("Slack does not answer")
