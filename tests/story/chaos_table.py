"""What came of each fault in the middle of each change, as a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

WIDTH = 150


@dataclass(frozen=True)
class Cell:
    """A fault in the middle of a change. `seconds` went by until whoever leads was at work on it again; of `commands`,
    so many had to be `repeated` as Slack had told the person that there was no answer, and some were `unanswered`."""

    fault: str
    target: str
    change: str
    during: str
    seconds: float | None
    total: float
    commands: int
    repeated: int
    unanswered: int
    amiss: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing was lost or done twice, and everybody was answered."""
        return self.commands > 0 and not self.unanswered and not self.amiss


def chaos_table(cells: Iterable[Cell]) -> str:
    """A cell a row."""
    table = Table(title="a fault in the middle of a change", title_justify="left", box=None)
    for heading in ("fault", "of", "change", "in the step"):
        table.add_column(heading)
    for heading in ("goes on after", "whole change", "commands", "repeated", "unanswered"):
        table.add_column(heading, justify="right")
    table.add_column("lost or doubled")
    for cell in cells:
        table.add_row(
            *(cell.fault, cell.target, cell.change, cell.during),
            "-" if cell.seconds is None else f"{cell.seconds:.1f} s",
            f"{cell.total:.1f} s",
            *map(str, (cell.commands, cell.repeated, cell.unanswered)),
            "; ".join(cell.amiss) or "nothing",
            style=None if cell.is_well else "red",
        )
    console = Console(width=WIDTH, force_terminal=False)
    with console.capture() as shown:
        console.print(table)
    return shown.get()
