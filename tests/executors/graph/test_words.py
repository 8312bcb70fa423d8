"""The picture in words."""

import pytest

from executors.doctor.findings import Finding
from executors.graph.networks import networks
from executors.graph.words import MOST_LINES, answer, caption, description, milliseconds
from model.cluster import Cluster
from tests.executors.graph.clusters_seen import OVERLAID, SMALL, joined, of_many, seen


def said(of: Cluster = SMALL, **what: object) -> list[str]:
    return answer(networks(of, joined(of), seen(of, **what))).splitlines()  # type: ignore[arg-type]


def test_networks_that_are_well_are_a_line_each() -> None:
    assert said(OVERLAID) == [
        ":large_green_circle: *vpn_ctrl*: 10.110.0.0/24, 5 machines, 4 tunnels, 1.5 ms",
        ":large_green_circle: *overlay*: 10.5.0.0/16, 4 machines, 6 tunnels, 1.5 ms",
    ]


def test_what_is_down_is_named_and_the_doctor_knows_more() -> None:
    lost = [("vpn_ingr", "ingress016", "worker101"), ("vpn_ingr", "worker101", "ingress016")]
    assert said(silent=["worker102"], lost=lost) == [
        ":red_circle: *vpn_ctrl*: 10.110.0.0/24, 4 machines, 3 tunnels, 1.5 ms",
        "      worker102 does not answer",
        ":red_circle: *vpn_ingr*: 10.111.0.0/24, 3 machines, 2 tunnels",
        "      worker102 does not answer",
        "      nothing passes between ingress016 and worker101",
        "`doctor` says what is wrong and what to do.",
    ]


def test_what_works_with_a_finding_is_yellow() -> None:
    finding = Finding("error", "worker101", "text", "mend", mesh="vpn_ctrl")
    assert said(found=[finding])[0].startswith(":large_yellow_circle: *vpn_ctrl*")


def test_an_answer_has_an_end() -> None:
    of = of_many(60)
    lines = said(of, silent=[f"worker{number}" for number in range(101, 161)])
    assert len(lines) == MOST_LINES + 2
    assert "lines more; the picture has them all" in lines[-2]


def test_without_a_network_there_is_a_sentence() -> None:
    assert answer(()) == "No machine has joined a network yet."


def test_the_description_is_for_those_who_cannot_see_the_picture() -> None:
    found = networks(OVERLAID, joined(OVERLAID), seen(OVERLAID, silent=["worker102"]))
    assert description("each-role", found) == (
        "The networks of each-role. vpn_ctrl: 10.110.0.0/24, 5 machines, 4 tunnels, 1.5 ms; worker102 does not answer. "
        "overlay: 10.5.0.0/16, 4 machines, 6 tunnels, 1.5 ms; worker102 does not answer."
    )


def test_a_caption_has_the_quickest_and_the_slowest() -> None:
    [mesh, _] = networks(SMALL, joined(SMALL), seen(SMALL))
    quicker = type(mesh.links[0])(mesh.links[0].ends, mesh.links[0].state, 0.25)
    mixed = type(mesh)(mesh.name, mesh.subnet, mesh.nodes, (quicker, *mesh.links[1:]))
    assert caption(mixed) == "10.110.0.0/24, 4 machines, 3 tunnels, 0.25 to 1.5 ms"


@pytest.mark.parametrize(("time", "written"), [(0.034, "0.03"), (0.42, "0.42"), (4.24, "4.2"), (42.4, "42")])
def test_times_have_two_digits_that_matter(time: float, written: str) -> None:
    assert milliseconds(time) == written
