"""What a source of logged certificates is, and why one may not answer."""

from collections.abc import Sequence
from typing import Protocol

from model.transparency import Issuance, Logged

Parameters = Sequence[tuple[str, str]]


class NotAnswered(Exception):
    """A source gave no usable answer; `why` goes on behind its name: crt.sh `answered 502`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Unusable(NotAnswered):
    """An answer that came and cannot be read. The next one may be right."""


class Source(Protocol):
    """Where logged certificates can be asked for."""

    @property
    def name(self) -> str:
        """As it stands in an answer."""

    def issued(self, domain: str, seconds: float) -> tuple[Issuance, ...]:
        """What is good and was issued for a domain and the names below it. Raises `NotAnswered` within `seconds`."""


class Kept(Protocol):
    """Where the last good answers are kept."""

    def last(self, domain: str) -> Logged | None:
        """The last good answer for a domain, or None."""

    def keep(self, logged: Logged) -> None:
        """Keep one in its place."""

    def forget_all_but(self, domains: Sequence[str]) -> None:
        """Forget those of other domains."""
