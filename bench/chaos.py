"""How soon a change goes on after a fault in the middle of it, in a cluster that carries itself, on lab hosts."""

import os
from collections.abc import Iterator

from bench.figures import Figure, Group
from tests.story.chaos import bootstrapped, every_cell
from tests.story.chaos_table import Cell, within


def measure() -> Iterator[Group]:
    """Every cell of the chaos table once; where nothing was left to go on with, until the end of the change."""
    with bootstrapped(f"bench-{os.getpid()}") as chaos:
        cells = [chaos.cell(*cell) for cell in every_cell()]
    yield Group("a fault in the middle of a change, until it goes on", tuple(map(_figure, cells)), within(cells))


def _figure(cell: Cell) -> Figure:
    seconds = cell.total if cell.seconds is None else cell.seconds
    lost = "; ".join(cell.amiss) or "nothing"
    asked = f"{cell.commands} commands, {cell.repeated} repeated, {cell.unanswered} unanswered"
    return Figure(cell.name, (seconds,), note=f"{asked}, slowest {cell.slowest:.1f} s; lost or doubled: {lost}")
