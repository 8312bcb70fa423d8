"""The picture itself, a PNG: a panel a network, a circle a machine, a line a tunnel."""

import io
import time
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from executors.graph.layout import Page, Panel, Point, page
from executors.graph.networks import Link, Network, Node, State
from executors.graph.words import caption, milliseconds, what_is_down
from model.names import Role

# Drawn so many times larger and made small again, because Pillow's own lines have steps; then twice a screen's points.
FINER, SHARPER = 2, 2
SCALE = FINER * SHARPER
# What Slack shows of a picture at all; a page of more pixels is made smaller.
MOST_PIXELS = 8_000_000

TITLE_HEIGHT, LEGEND_HEIGHT, MARGIN = 72.0, 56.0, 32.0
NODE_RADIUS, HUB_RADIUS = 17.0, 23.0
# Times stand on their lines where these are so few; beyond, the caption has the quickest and the slowest.
MOST_TIMED_MEMBERS, MOST_TIMED_LINKS = 24, 15
# Of more links than these, only those that are not well are drawn: the others would hide them.
MOST_DRAWN_LINKS = 300

PAPER, PANEL_COLOUR, INK, FAINT_INK = "#ffffff", "#f6f7f9", "#1f2933", "#66727f"
ROLE_COLOURS: dict[Role, str] = {
    "controller": "#5b4b8a", "worker": "#2463a6", "ingress": "#0f7b6c", "service": "#8a5a2b",
}  # fmt: skip
STATE_COLOURS = {State.WELL: "#3f9d57", State.ILL: "#d98e04", State.DOWN: "#cc2936"}
LINK_COLOURS = {**STATE_COLOURS, State.WELL: "#a9b8c6"}


def picture(cluster: str, networks: Sequence[Network], now: float) -> bytes:
    """A PNG of the networks of a cluster as they were at `now`, in seconds since 1970."""
    laid_out = page(networks, TITLE_HEIGHT, LEGEND_HEIGHT)
    scale = min(float(SCALE), (MOST_PIXELS * FINER**2 / (laid_out.width * laid_out.height)) ** 0.5)
    canvas = _Canvas(laid_out, scale)
    seen = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    canvas.text(Point(MARGIN, 22), f"Networks of {cluster}", 26, INK)
    canvas.text(Point(laid_out.width - MARGIN, 31), f"seen {seen}", 14, FAINT_INK, "ra")
    for panel in laid_out.panels:
        _draw_panel(canvas, panel)
    _draw_legend(canvas, laid_out.height - LEGEND_HEIGHT + 18)
    return canvas.png()


def _draw_panel(canvas: "_Canvas", panel: Panel) -> None:
    canvas.box(panel.corner.moved(8, 8), panel.corner.moved(panel.width - 8, panel.height - 8), PANEL_COLOUR)
    down = what_is_down(panel.network)
    canvas.text(panel.corner.moved(24, 20), panel.network.name, 18, INK)
    left_out = "; only those that are not well are drawn" if len(panel.network.links) > MOST_DRAWN_LINKS else ""
    canvas.text(panel.corner.moved(24, 46), f"{caption(panel.network)}{left_out}", 13, FAINT_INK)
    if down:
        said = down[0] if len(down) == 1 else f"{len(down)} are down"
        canvas.text(panel.corner.moved(panel.width - 24, 24), said, 13, STATE_COLOURS[State.DOWN], "ra")
    links = _drawn_links(panel.network)
    for link in links:
        _draw_link(canvas, link, panel)
    if _times_are_shown(panel.network):
        for link in links:
            _draw_time(canvas, link, panel)
    for node in panel.network.nodes:
        _draw_node(canvas, node, panel.at[node.name])


def _drawn_links(network: Network) -> tuple[Link, ...]:
    """What is wrong comes last, so that nothing lies over it."""
    if len(network.links) > MOST_DRAWN_LINKS:
        ill = (link for link in network.links if link.state is State.ILL)
        return (*ill, *network.down())
    return tuple(sorted(network.links, key=lambda link: list(State).index(link.state)))


def _times_are_shown(network: Network) -> bool:
    if len(network.hubs) == 1:
        return len(network.members) <= MOST_TIMED_MEMBERS
    return len(network.links) <= MOST_TIMED_LINKS


def _draw_link(canvas: "_Canvas", link: Link, panel: Panel) -> None:
    one, other = (panel.at[end] for end in link.ends)
    width = 1.4 if link.state is State.WELL else 2.6
    canvas.line(one, other, LINK_COLOURS[link.state], width, dashed=link.state is State.DOWN)


def _draw_time(canvas: "_Canvas", link: Link, panel: Panel) -> None:
    if link.milliseconds is None:
        return
    hubs = {node.name for node in panel.network.hubs}
    one, other = (panel.at[end] for end in sorted(link.ends, key=lambda end: end not in hubs))
    # Off the middle, where the lines of a ring would cross each other's times.
    place = one.towards(other, 0.58 if hubs else 0.38)
    canvas.label(place, f"{milliseconds(link.milliseconds)} ms", 11, FAINT_INK, PANEL_COLOUR)


def _draw_node(canvas: "_Canvas", node: Node, at: Point) -> None:
    radius = HUB_RADIUS if node.hub else NODE_RADIUS
    down = node.state is State.DOWN
    canvas.circle(at, radius + 4, PANEL_COLOUR)
    canvas.circle(at, radius, PAPER if down else ROLE_COLOURS[node.role], STATE_COLOURS[node.state], 3.5)
    if down:
        reach = radius * 0.45
        for slope in (1, -1):
            canvas.line(
                at.moved(-reach, -reach * slope), at.moved(reach, reach * slope), STATE_COLOURS[State.DOWN], 3.5
            )
    else:
        canvas.text(at, node.role[0].upper(), 15 if node.hub else 13, PAPER, "mm")
    canvas.label(at.moved(0, radius + 13), node.name, 13, STATE_COLOURS[State.DOWN] if down else INK, PANEL_COLOUR)


def _draw_legend(canvas: "_Canvas", height: float) -> None:
    right = MARGIN
    for role, colour in ROLE_COLOURS.items():
        canvas.circle(Point(right + 8, height + 8), 8, colour)
        right = canvas.text(Point(right + 22, height), role, 13, FAINT_INK) + 24
    right += 12
    for state, colour in STATE_COLOURS.items():
        canvas.line(Point(right, height + 8), Point(right + 26, height + 8), colour, 3.5, dashed=state is State.DOWN)
        right = canvas.text(Point(right + 34, height), state.value, 13, FAINT_INK) + 24


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("this Pillow was built without FreeType")
    return font


class _Canvas:
    """Draws in points."""

    def __init__(self, laid_out: Page, scale: float) -> None:
        self._scale = scale
        self._image = Image.new("RGB", (round(laid_out.width * scale), round(laid_out.height * scale)), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        size = (round(self._image.width / FINER), round(self._image.height / FINER))
        file = io.BytesIO()
        # A palette: a quarter of the bytes, and these few colours are all in it.
        self._image.resize(size, Image.Resampling.BOX).quantize(200, dither=Image.Dither.NONE).save(
            file, "PNG", optimize=True
        )
        return file.getvalue()

    def text(self, at: Point, text: str, size: float, colour: str, anchor: str = "la") -> float:
        """Where it ends on the right."""
        font = _font(size * self._scale)
        self._draw.text(self._pixel(at), text, fill=colour, font=font, anchor=anchor)
        return self._draw.textbbox(self._pixel(at), text, font=font, anchor=anchor)[2] / self._scale

    def label(self, middle: Point, text: str, size: float, colour: str, background: str) -> None:
        font = _font(size * self._scale)
        left, top, right, bottom = self._draw.textbbox(self._pixel(middle), text, font=font, anchor="mm")
        margin = 3 * self._scale
        self._draw.rounded_rectangle((left - margin, top - margin, right + margin, bottom + margin), margin, background)
        self._draw.text(self._pixel(middle), text, fill=colour, font=font, anchor="mm")

    def line(self, one: Point, other: Point, colour: str, width: float, *, dashed: bool = False) -> None:
        length = ((other.x - one.x) ** 2 + (other.y - one.y) ** 2) ** 0.5
        dashes = max(1, round(length / 12)) if dashed else 1
        for number in range(dashes):
            begin = one.towards(other, number / dashes)
            end = one.towards(other, (number + (0.55 if dashed else 1.0)) / dashes)
            self._draw.line((self._pixel(begin), self._pixel(end)), colour, round(width * self._scale))

    def circle(self, at: Point, radius: float, fill: str, outline: str | None = None, width: float = 0.0) -> None:
        self._draw.circle(self._pixel(at), radius * self._scale, fill, outline, round(width * self._scale))

    def box(self, corner: Point, opposite: Point, fill: str) -> None:
        self._draw.rounded_rectangle((self._pixel(corner), self._pixel(opposite)), 10 * self._scale, fill)

    def _pixel(self, point: Point) -> tuple[float, float]:
        return point.x * self._scale, point.y * self._scale
