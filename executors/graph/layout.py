"""Where each machine of a network stands in the picture: hubs in the middle, the others around them. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from executors.graph.networks import Network, Node
from model.names import NodeName

# Between neighbours on a ring, and between two rings; in points, as everything here.
SPACING = 104.0
RING_STEP = 84.0
SMALLEST_RING = 156.0
# From hubs to the first ring, where there is more than one hub to stand beside.
CLEAR_OF_HUBS = 130.0
# So many fit on one ring whose links are all seen.
MOST_ON_ONE_RING = 24
PANEL_MARGIN = 76.0
CAPTION_HEIGHT = 64.0
SMALLEST_PANEL = 440.0
ROW_WIDTH = 1500.0


@dataclass(frozen=True)
class Point:
    """In points, from the left and from the top."""

    x: float
    y: float

    def towards(self, other: "Point", share: float) -> "Point":
        """The point on the way to `other`, after a share of it."""
        return Point(self.x + (other.x - self.x) * share, self.y + (other.y - self.y) * share)

    def moved(self, right: float, down: float) -> "Point":
        """The point further right and down."""
        return Point(self.x + right, self.y + down)


@dataclass(frozen=True)
class Panel:
    """A network with its place in the picture."""

    network: Network
    corner: Point
    width: float
    height: float
    at: dict[NodeName, Point]


@dataclass(frozen=True)
class Page:
    """All panels, and how large a picture they fill."""

    panels: tuple[Panel, ...]
    width: float
    height: float


def page(networks: Sequence[Network], top: float, bottom: float) -> Page:
    """Panels from left to right in rows, below `top` and above `bottom` points for other things."""
    panels: list[Panel] = []
    right, down, row_height = 0.0, top, 0.0
    for network in networks:
        panel = _panel(network)
        if right > 0 and right + panel.width > ROW_WIDTH:
            right, down, row_height = 0.0, down + row_height, 0.0
        panels.append(_moved(panel, right, down))
        right += panel.width
        row_height = max(row_height, panel.height)
    width = max((panel.corner.x + panel.width for panel in panels), default=SMALLEST_PANEL)
    return Page(tuple(panels), width, down + row_height + bottom)


def _panel(network: Network) -> Panel:
    at = positions(network)
    reach = max((math.hypot(point.x, point.y) for point in at.values()), default=0.0)
    side = max(SMALLEST_PANEL, 2 * (reach + PANEL_MARGIN))
    middle = Point(side / 2, CAPTION_HEIGHT + side / 2)
    placed = {name: middle.moved(point.x, point.y) for name, point in at.items()}
    return Panel(network, Point(0.0, 0.0), side, CAPTION_HEIGHT + side, placed)


def _moved(panel: Panel, right: float, down: float) -> Panel:
    at = {name: point.moved(right, down) for name, point in panel.at.items()}
    return Panel(panel.network, panel.corner.moved(right, down), panel.width, panel.height, at)


def positions(network: Network) -> dict[NodeName, Point]:
    """Around the middle: a hub there, or several on a small ring, and the others on rings with room for each.

    Full rings are filled from the inside; what stands between two rings is turned by half a place, so that a link to
    the middle passes between two machines.
    """
    hubs, members = network.hubs, network.members
    placed, radius = _middle(hubs)
    if not hubs and len(members) <= MOST_ON_ONE_RING:
        return _ring(members, max(SMALLEST_RING, len(members) * SPACING / (2 * math.pi)), 0.0)
    radius = max(SMALLEST_RING, radius + CLEAR_OF_HUBS)
    rest, turn = list(members), 0.0
    while rest:
        room = max(2, int(2 * math.pi * radius / SPACING))
        if len(hubs) == 2 and min(room, len(rest)) % 4 == 0:
            # Beside two hubs, the nearer one would hide the way to the other.
            turn = 0.5
        placed |= _ring(rest[:room], radius, turn)
        rest, radius, turn = rest[room:], radius + RING_STEP, turn + 0.5
    return placed


def _middle(hubs: Sequence[Node]) -> tuple[dict[NodeName, Point], float]:
    if len(hubs) == 1:
        return {hubs[0].name: Point(0.0, 0.0)}, 0.0
    radius = max(52.0, len(hubs) * SPACING / (2 * math.pi)) if hubs else 0.0
    # Side by side, where there are two: a member above has a link to each.
    return _ring(hubs, radius, 0.25 * len(hubs)), radius


def _ring(nodes: Sequence[Node], radius: float, turn: float) -> dict[NodeName, Point]:
    """Clockwise from the top; `turn` is in places."""
    placed = {}
    for number, node in enumerate(nodes):
        angle = 2 * math.pi * (number + turn) / len(nodes) - math.pi / 2
        placed[node.name] = Point(radius * math.cos(angle), radius * math.sin(angle))
    return placed
