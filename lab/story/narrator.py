"""Tells the story in a terminal: what was typed, what came back, how long it took, a bar where something is long."""

import re
import time
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from lab.story.chat import PEOPLE, Card

_MARKS = {"complete": "✓", "error": "✗", "in_progress": "…", "pending": "·"}


class Narrator(Protocol):
    """What the story has to say."""

    def chapter(self, title: str) -> None: ...
    def typed(self, person: str, text: str) -> None: ...
    def heard(self, text: str) -> None: ...
    def saw(self, sentence: str) -> None: ...
    def watch(self, card: Card | None) -> None: ...


class Silent:
    """Says nothing: for tests."""

    def chapter(self, title: str) -> None: ...
    def typed(self, person: str, text: str) -> None: ...
    def heard(self, text: str) -> None: ...
    def saw(self, sentence: str) -> None: ...
    def watch(self, card: Card | None) -> None: ...


class Terminal:
    """For a person who watches."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._shown: set[str] = set()

    def chapter(self, title: str) -> None:
        self._console.print(f"\n[bold]{escape(title)}[/]  [dim]{time.monotonic() - self._began:.0f} s[/]")

    def typed(self, person: str, text: str) -> None:
        self._console.print(f"  [cyan]{escape(person)}[/] [bold]{escape(text)}[/]")

    def heard(self, text: str) -> None:
        for line in _plain(text).splitlines():
            self._console.print(f"  [dim]│[/] {escape(line)}")

    def saw(self, sentence: str) -> None:
        self._console.print(f"  [green]✓[/] {escape(sentence)}")

    def watch(self, card: Card | None) -> None:
        """Follow a card: a line for each step that ends, a bar for the whole; None when it is over."""
        if card is None:
            if self._bar is not None:
                self._bar.stop()
            self._bar, self._task, self._shown = None, None, set()
            return
        if self._bar is None:
            columns = (TextColumn("  "), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task("", total=None)
            self._bar.start()
        self._show(card)

    def _show(self, card: Card) -> None:
        ended = [(title, status) for title, status in card.tasks if status in ("complete", "error")]
        for title, status in ended:
            if title not in self._shown:
                self._shown.add(title)
                self._console.print(f"  [dim]{_MARKS[status]} {escape(title)}[/]")
        running = [title for title, status in card.tasks if status == "in_progress"]
        if self._bar is not None and self._task is not None and card.tasks:
            what = running[0] if running else "waiting"
            self._bar.update(self._task, total=len(card.tasks), completed=len(ended), description=escape(what))


def _plain(mrkdwn: str) -> str:
    """Slack's text as a person sees it there, but for bold and signs."""
    text = re.sub(r"<@(\w+)>", lambda found: f"@{PEOPLE.get(found[1], found[1])}", mrkdwn)
    text = re.sub(r"<[^<>|]+\|([^<>]+)>", r"\1", text)
    text = re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"\1", text)
    text = re.sub(r":[a-z_]+: ?", "", text)
    return text.replace("*", "").replace("`", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
