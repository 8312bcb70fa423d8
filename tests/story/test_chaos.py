"""The flstr that leads, or the etcd that leads, is killed, stopped, cut off or slowed down in the middle of a change:
nothing is lost, nothing is done twice, and Slack is answered throughout. A table of what came of it."""

import os
from collections.abc import Iterator

import pytest

from tests.story.chaos import Change, Chaos, Fault, Target, bootstrapped, every_cell
from tests.story.chaos_table import Cell, chaos_table

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def chaos() -> Iterator[Chaos]:
    with bootstrapped(f"chaos-{os.getpid()}") as chaos:
        yield chaos


@pytest.fixture(scope="module")
def table() -> Iterator[list[Cell]]:
    """All that was tried, printed at the end."""
    cells: list[Cell] = []
    yield cells
    print(f"\n{chaos_table(cells)}")


@pytest.mark.parametrize(("fault", "target", "change"), every_cell(), ids=lambda one: one.name.replace(" ", "-"))
def test_a_change_goes_on_after_a_fault(
    chaos: Chaos, table: list[Cell], fault: Fault, target: Target, change: Change
) -> None:
    cell = chaos.cell(fault, target, change)
    table.append(cell)
    assert cell.amiss == ()
    assert cell.unanswered == 0
    assert cell.commands > 0
