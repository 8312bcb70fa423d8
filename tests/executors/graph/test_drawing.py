"""The picture: looked at by its pixels, where machines and tunnels have to be."""

import io

import pytest
from PIL import Image

from executors.graph.drawing import (
    LEGEND_HEIGHT,
    MOST_PIXELS,
    ROLE_COLOURS,
    SHARPER,
    STATE_COLOURS,
    TITLE_HEIGHT,
    picture,
)
from executors.graph.layout import page
from executors.graph.networks import Network, State, networks
from model.cluster import Cluster
from tests.executors.graph.clusters_seen import SMALL, joined, of_many, seen

Colour = tuple[int, int, int]


def drawn(of: Cluster = SMALL, **what: object) -> tuple[tuple[Network, ...], Image.Image]:
    found = networks(of, joined(of), seen(of, **what))  # type: ignore[arg-type]
    return found, Image.open(io.BytesIO(picture(of.cluster, found, 0.0))).convert("RGB")


def near(image: Image.Image, right: float, down: float, colour: str, reach: int = 6) -> bool:
    """Whether a colour, or one that the palette took for it, is found around a point."""
    wanted = tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
    for x in range(round(right * SHARPER) - reach, round(right * SHARPER) + reach):
        for y in range(round(down * SHARPER) - reach, round(down * SHARPER) + reach):
            pixel = image.getpixel((x, y))
            assert isinstance(pixel, tuple)
            if max(abs(a - b) for a, b in zip(pixel, wanted, strict=True)) < 24:
                return True
    return False


def test_each_machine_is_a_circle_in_the_colour_of_its_role() -> None:
    found, image = drawn()
    for panel in page(found, TITLE_HEIGHT, LEGEND_HEIGHT).panels:
        for node in panel.network.nodes:
            at = panel.at[node.name]
            assert near(image, at.x + 9, at.y + 9, ROLE_COLOURS[node.role])
            assert not near(image, at.x, at.y, STATE_COLOURS[State.DOWN], reach=40)


def test_a_machine_that_is_down_is_crossed_out_and_its_tunnels_are_red() -> None:
    found, image = drawn(silent=["worker102"])
    [panel, _] = page(found, TITLE_HEIGHT, LEGEND_HEIGHT).panels
    at, hub = panel.at["worker102"], panel.at["controller001"]
    assert near(image, at.x, at.y, STATE_COLOURS[State.DOWN])
    assert not near(image, at.x + 9, at.y, ROLE_COLOURS["worker"])
    between = at.towards(hub, 0.5)
    assert near(image, between.x, between.y, STATE_COLOURS[State.DOWN], reach=16)
    well = panel.at["worker101"].towards(hub, 0.3)
    assert not near(image, well.x, well.y, STATE_COLOURS[State.DOWN])


@pytest.mark.parametrize("workers", [0, 1, 50, 198])
def test_a_cluster_of_any_size_is_one_png_of_a_size_that_etcd_and_slack_take(workers: int) -> None:
    of = of_many(workers, hubs=3)
    found = networks(of, joined(of), seen(of, silent=["worker101"] if workers else []))
    content = picture(of.cluster, found, 0.0)
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    assert image.width * image.height <= MOST_PIXELS * 1.01
    assert len(content) < 700_000


def test_the_same_networks_at_the_same_time_are_the_same_picture() -> None:
    found = networks(SMALL, joined(SMALL), seen(SMALL))
    assert picture("small", found, 0.0) == picture("small", found, 0.0)
