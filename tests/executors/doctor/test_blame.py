"""Whose a subnet is that tincd's journal says was ignored, and whether that is a fault at all."""

from executors.doctor.journal import Sign, Symptom
from executors.doctor.links import _blamed
from executors.mesh_files import Place, places
from tests.executors.clusters import cluster, members

CLUSTER = cluster("small")
MEMBERS = members(CLUSTER)
HUB, MEMBER, OTHER = "controller001", "worker101", "worker102"


def place_of(node: str) -> Place:
    return next(place for place in places(node, CLUSTER, MEMBERS) if place.name == "vpn_ctrl")


def address_of(node: str) -> str:
    return MEMBERS["vpn_ctrl"][node].address


def ignored(node: str, subnet: str, sender: str) -> Symptom | None:
    return _blamed(Symptom(node, Sign.SUBNET, sender, subnet), place_of(node))


def test_a_member_that_refuses_what_a_hub_tells_of_other_members_is_well() -> None:
    assert ignored(MEMBER, address_of(OTHER), HUB) is None
    # Of one that is gone the journal tells as well.
    assert ignored(MEMBER, "10.110.0.99", HUB) is None


def test_a_member_that_refuses_its_hub_and_a_hub_that_refuses_a_member_are_not() -> None:
    assert ignored(MEMBER, address_of(HUB), HUB) == Symptom(MEMBER, Sign.SUBNET, HUB, address_of(HUB))
    assert ignored(HUB, address_of(MEMBER), OTHER) == Symptom(HUB, Sign.SUBNET, MEMBER, address_of(MEMBER))
