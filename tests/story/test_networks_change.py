"""An overlay comes to a cluster that runs, and goes again, while a client asks all the time."""

from dataclasses import dataclass

import pytest

from lab.story.asking import Asking, Tally
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import OPERATOR
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from tests.story.views import overlay_leases, registered

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

BLOCK = "overlay:\n  network: 10.5.0.0/16\n\n"
WISHES = Wishes(edits={BLOCK: ""})
PEOPLE = "people:\n  operator:"
INSTANCE_PORTS = "20000-29999/tcp"


@dataclass(frozen=True)
class Changed:
    """What the client was answered meanwhile, and where the instances listen now."""

    tally: Tally
    addresses: list[str]


@pytest.fixture(scope="module")
def cluster(stage: Stage) -> Stage:
    """All machines in two meshes, and no overlay."""
    stage.flstr.start()
    stage.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
    return stage


@pytest.fixture(scope="module")
def overlaid(cluster: Stage) -> Changed:
    """An overlay was merged."""
    return change(cluster, "overlay", {PEOPLE: f"{BLOCK}{PEOPLE}"})


@pytest.fixture(scope="module")
def bare(cluster: Stage, overlaid: Changed) -> Changed:
    """It was taken out again."""
    return change(cluster, "no-overlay", {BLOCK: ""})


def change(stage: Stage, branch: str, edits: dict[str, str]) -> Changed:
    """Merge it, and ask until nothing is left to do."""
    before = len(stage.chat.cards())
    with Asking(stage.servers()["ingress016"], APP_HOST) as asking:
        stage.merge(branch, edits)
        card = stage.chat.await_card(
            lambda card: card in stage.chat.cards()[before:] and card.ending is not None, "the change to end", 120.0
        )
        assert card.ending == "done", card.text
        stage.chat.await_answer(OPERATOR, "/flstr plan", "changes nothing", 120.0)
    instances = registered(stage).apps["backend", "influencer"].instances.values()
    return Changed(asking.tally, sorted(one.ip for one in instances))


def ports(stage: Stage, node: str, zone: str) -> list[str]:
    """What a machine lets in there; nothing where there is no such zone."""
    return stage.in_host(stage.servers()[node], f"firewall-cmd --zone={zone} --list-ports 2>/dev/null").split()


def test_no_request_fails_while_the_instances_move_into_an_overlay(overlaid: Changed) -> None:
    assert overlaid.tally.failures == []
    assert overlaid.tally.requests > 100
    assert all(address.startswith("10.5.") for address in overlaid.addresses)


def test_where_they_listened_before_is_closed_afterwards(cluster: Stage, overlaid: Changed) -> None:
    assert INSTANCE_PORTS in ports(cluster, "worker101", "overlay")
    assert INSTANCE_PORTS not in ports(cluster, "worker101", "vpn_ingr")
    assert "5001/tcp" in ports(cluster, "worker101", "vpn_ingr")


def test_no_request_fails_while_they_move_back(bare: Changed) -> None:
    assert bare.tally.failures == []
    assert bare.tally.requests > 100
    assert not any(address.startswith("10.5.") for address in bare.addresses)


def test_nothing_of_the_overlay_is_left(cluster: Stage, bare: Changed) -> None:
    assert overlay_leases(cluster) == {}
    for node in ("ingress016", "worker101", "worker102"):
        assert ports(cluster, node, "overlay") == []
        assert "51820/udp" not in ports(cluster, node, "public")
        assert cluster.in_host(cluster.servers()[node], "ip -o link show flannel-wg 2>/dev/null") == ""
    assert INSTANCE_PORTS in ports(cluster, "worker101", "vpn_ingr")
