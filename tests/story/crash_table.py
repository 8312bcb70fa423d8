"""What came of an operation that was killed after one of its steps, and all of them as a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

WIDTH = 150


@dataclass(frozen=True)
class Crash:
    """One run: `seconds` from the kill until the card told the end; the rest is counted over the whole run."""

    operation: str
    step: str
    seconds: float
    requests: int
    failed: tuple[str, ...]
    twice: tuple[str, ...]
    amiss: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether nobody noticed, nothing ran twice, and the end is the desired one."""
        return self.requests > 0 and not (self.failed or self.twice or self.amiss)


def crash_table(crashes: Iterable[Crash]) -> str:
    """The matrix, a kill a row."""
    table = Table(title="flstr killed after each step, and started again", title_justify="left", box=None)
    for heading in ("operation", "killed after"):
        table.add_column(heading)
    for heading in ("told its end after", "requests", "failed", "ran twice"):
        table.add_column(heading, justify="right")
    table.add_column("end state")
    for crash in crashes:
        table.add_row(
            crash.operation,
            crash.step,
            f"{crash.seconds:.1f} s",
            str(crash.requests),
            str(len(crash.failed)),
            str(len(crash.twice)),
            "; ".join(crash.amiss) or "as desired",
            style=None if crash.is_well else "red",
        )
    console = Console(width=WIDTH, force_terminal=False)
    with console.capture() as shown:
        console.print(table)
    return shown.get()
