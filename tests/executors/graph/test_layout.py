"""Where machines stand in the picture: apart from each other, inside their panels."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.graph.drawing import MOST_TIMED_LINKS
from executors.graph.layout import ROW_WIDTH, Page, page, positions
from executors.graph.networks import Network, networks
from tests.executors.graph.clusters_seen import SMALL, joined, of_many, seen

# A machine with its name below it needs so much for itself.
ROOM = 60.0


def drawn(workers: int, hubs: int = 2) -> tuple[Network, ...]:
    of = of_many(workers, hubs)
    return networks(of, joined(of), seen(of))


def test_one_hub_is_in_the_middle_and_the_others_are_around_it() -> None:
    [mesh, _] = networks(SMALL, joined(SMALL), seen(SMALL))
    at = positions(mesh)
    assert (at["controller001"].x, at["controller001"].y) == (0, 0)
    distances = {round(math.hypot(point.x, point.y)) for name, point in at.items() if name != "controller001"}
    assert len(distances) == 1


@given(workers=st.integers(1, 60), hubs=st.integers(1, 7))
def test_no_two_machines_lie_upon_each_other(workers: int, hubs: int) -> None:
    for network in drawn(workers, hubs):
        at = positions(network)
        assert at.keys() == {node.name for node in network.nodes}
        for one, other in combinations(at.values(), 2):
            assert math.hypot(one.x - other.x, one.y - other.y) > ROOM


@pytest.mark.parametrize("workers", range(1, (MOST_TIMED_LINKS - 1) // 2 + 1))
def test_where_times_are_shown_no_hub_hides_the_way_to_the_other(workers: int) -> None:
    at = positions(drawn(workers)[0])
    one, other = at["controller001"], at["controller002"]
    for name, point in at.items():
        if name.startswith("worker"):
            across = (other.x - one.x) * (point.y - one.y) - (other.y - one.y) * (point.x - one.x)
            assert abs(across) > ROOM


@given(workers=st.integers(0, 60))
def test_everything_is_inside_its_panel_and_panels_are_inside_the_page(workers: int) -> None:
    laid_out: Page = page(drawn(workers), 50, 40)
    for panel in laid_out.panels:
        assert panel.corner.y >= 50
        assert panel.corner.x + panel.width <= laid_out.width
        assert panel.corner.y + panel.height <= laid_out.height - 40
        for point in panel.at.values():
            assert panel.corner.x + ROOM / 2 < point.x < panel.corner.x + panel.width - ROOM / 2
            assert panel.corner.y + ROOM / 2 < point.y < panel.corner.y + panel.height - ROOM / 2


@pytest.mark.parametrize(("workers", "rows"), [(2, 1), (60, 2)])
def test_panels_stand_beside_each_other_while_there_is_room(workers: int, rows: int) -> None:
    laid_out = page(drawn(workers), 0, 0)
    assert len({panel.corner.y for panel in laid_out.panels}) == rows
    assert rows > 1 or laid_out.width <= ROW_WIDTH


def test_panels_do_not_overlap() -> None:
    panels = page((*drawn(2), *drawn(9), *drawn(30)), 0, 0).panels
    for one, other in combinations(panels, 2):
        beside = one.corner.x + one.width <= other.corner.x or other.corner.x + other.width <= one.corner.x
        below = one.corner.y + one.height <= other.corner.y or other.corner.y + other.height <= one.corner.y
        assert beside or below
