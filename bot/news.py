"""What the outbox is told: which record is out of date, and how its newest state is read when its turn comes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.delivery import Home, Letter
from bot.pace import Rank

# Reads the newest state; raises `Refused` where etcd does not answer.
Read = Callable[[], Sequence[Letter | Home]]


@dataclass(frozen=True)
class News:
    """A record that is out of date. `parent` is the card in whose thread its letters go."""

    record: str
    read: Read = field(compare=False)
    channel: str = ""
    parent: "News | None" = None
    rank: Rank = Rank.PROGRESS


@dataclass
class Try:
    """How the calls for one letter went so far."""

    record: str = ""
    shown: str = ""
    failures: int = 0
    form: int = 0
    looked: bool = False


@dataclass
class Waiting:
    """News on its way. `letters` are what is left of its newest state, or None where that has to be read."""

    news: News
    since: float
    letters: list[Letter | Home] | None = None
    version: int = 0
    read_version: int = 0
    newer_since: float = 0.0
    not_before: float = 0.0
    attempt: Try = field(default_factory=Try)

    def changed(self, news: News, now: float) -> None:
        """There is a newer state."""
        if self.letters is not None:
            self.newer_since = now
        self.news, self.letters = news, None
        self.version += 1

    def trying(self, letter: Letter | Home) -> Try:
        """How the calls for this letter went; another state of it may be tried in its richest form again."""
        shown = letter.shown if isinstance(letter, Letter) else ""
        if self.attempt.record != letter.record:
            self.attempt = Try(letter.record, shown)
        elif self.attempt.shown != shown:
            self.attempt.shown, self.attempt.form = shown, 0
        return self.attempt
