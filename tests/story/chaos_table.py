"""What came of each fault in the middle of each change, as a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

WIDTH = 180
# Within this time a change goes on, and so often at most a person types a command.
CARRIES_ON_SECONDS, MOST_REPEATED = 10.0, 5
# By which a test tells its cell to whoever shows the table.
PROPERTY = "chaos cell"


@dataclass(frozen=True)
class Cell:
    """A fault in the middle of a change. `seconds` went by until whoever leads was at work on it again; of `commands`,
    so many had to be `repeated` as Slack had told the person that there was no answer, one of them `most_repeated` times,
    and some were `unanswered`; the `slowest` answer came so long after the command was first typed."""

    fault: str
    target: str
    change: str
    during: str
    seconds: float | None
    total: float
    commands: int
    repeated: int
    most_repeated: int
    slowest: float
    unanswered: int
    amiss: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether it went on, nothing was lost or done twice, and everybody was answered."""
        answered = self.commands > 0 and not self.unanswered and self.most_repeated <= MOST_REPEATED
        return self.seconds is not None and answered and not self.amiss

    @property
    def name(self) -> str:
        """Which one it is."""
        return f"{self.change}, {self.fault} of {self.target}"


def chaos_table(cells: Iterable[Cell]) -> str:
    """A cell a row."""
    table = Table(title="a fault in the middle of a change", title_justify="left", box=None)
    for heading in ("fault", "of", "change", "in the step"):
        table.add_column(heading)
    for heading in ("goes on after", "whole change", "commands", "repeated", "one at most", "slowest", "unanswered"):
        table.add_column(heading, justify="right")
    table.add_column("lost or doubled")
    for cell in cells:
        table.add_row(
            *(cell.fault, cell.target, cell.change, cell.during),
            "-" if cell.seconds is None else f"{cell.seconds:.1f} s",
            f"{cell.total:.1f} s",
            *map(str, (cell.commands, cell.repeated, cell.most_repeated)),
            f"{cell.slowest:.1f} s",
            str(cell.unanswered),
            "; ".join(cell.amiss) or "nothing",
            style=None if cell.is_well else "red",
        )
    console = Console(width=WIDTH, force_terminal=False)
    with console.capture() as shown:
        console.print(table)
    return shown.get()


def within(cells: Iterable[Cell]) -> str:
    """Whether all of them went on in time, and which did not."""
    late = [cell for cell in cells if cell.seconds is None or cell.seconds > CARRIES_ON_SECONDS]
    told = (f"{one.name} ({'never' if one.seconds is None else f'{one.seconds:.1f} s'})" for one in late)
    limit = f"within {CARRIES_ON_SECONDS:.0f} s"
    return f"not carried on {limit}: {'; '.join(told)}" if late else f"every change carried on {limit}"


def cells_told(reports: Iterable[object]) -> list[Cell]:
    """The cells that tests have told, in this order."""
    told = [told for report in reports for name, told in getattr(report, "user_properties", ()) if name == PROPERTY]
    return [Cell(**{**cell, "amiss": tuple(cell["amiss"])}) for cell in told]
