"""What is wrong with a machine by itself: daemon, boot, port, firewall, device, key, names, clock."""

from dataclasses import replace
from typing import Any

import pytest

from executors.doctor.facts import Device, Unit
from gitops.enrolment import enrolment_digest
from model.registered import EtcdMember
from tests.executors.doctor.ward import HUB, OTHER_HUB, WORKER, well

DEVICE = well().mesh(WORKER).device
RESTART = ("restart-tinc@vpn_ingr",)


@pytest.mark.parametrize(
    ("changes", "text", "tend"),
    [
        ({"unit": Unit(active=False, enabled=True)}, "tincd of vpn_ingr does not run on worker101", ()),
        ({"unit": Unit(active=True, enabled=False)}, "tincd of vpn_ingr does not start at boot on worker101", ()),
        ({"listens": False}, "tincd of vpn_ingr on worker101 does not listen at port 762", RESTART),
        ({"let_in": False}, "firewalld on worker101 keeps vpn_ingr's port 762 closed", ("firewalld",)),
        ({"name": "worker102"}, "tincd of vpn_ingr on worker101 is told to be worker102", RESTART),
        ({"name": ""}, "tincd of vpn_ingr on worker101 is told to be nobody", RESTART),
        ({"device": Device()}, "there is no device vpn_ingr on worker101", RESTART),
        ({"device": replace(DEVICE, up=False)}, "vpn_ingr on worker101 is down", RESTART),
        (
            {"device": replace(DEVICE, address="10.120.0.9/24")},
            f"vpn_ingr on worker101 has 10.120.0.9/24 instead of {DEVICE.address}",
            RESTART,
        ),
        (
            {"device": replace(DEVICE, address="")},
            f"vpn_ingr on worker101 has no address instead of {DEVICE.address}",
            RESTART,
        ),
        (
            {"device": replace(DEVICE, routes=())},
            "worker101 has no route to 10.120.0.0/24 through vpn_ingr",
            RESTART,
        ),
        (
            {"device": replace(DEVICE, mtu=1400)},
            "vpn_ingr on worker101 has an MTU of 1400 instead of 1500",
            RESTART,
        ),
    ],
)
def test_what_the_machine_itself_can_mend(changes: dict[str, Any], text: str, tend: tuple[str, ...]) -> None:
    (found,) = well().in_mesh(WORKER, **changes).found()
    assert (found.text, set(found.mends), found.tend) == (text, {WORKER}, tend)
    assert found.mend.startswith("`doctor worker101 --fix` ")


def test_a_daemon_that_is_down_explains_its_device() -> None:
    ward = well().in_mesh(WORKER, unit=Unit(active=False, enabled=True), listens=False, device=Device())
    assert ward.texts() == ["tincd of vpn_ingr does not run on worker101"]


def test_a_daemon_that_listens_where_its_own_file_says_so_has_one_fault() -> None:
    ward = well().with_file(WORKER, WORKER, port="7999").in_mesh(WORKER, listens=False)
    assert ward.texts() == ["worker101 has port 7999 of worker101 in vpn_ingr, which is not the mesh's"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("", "worker101 has no private key in vpn_ingr"),
        ("0" * 16, "worker101 has a private key in vpn_ingr that does not belong to its registered one"),
    ],
)
def test_a_private_key_is_for_a_person(key: str, text: str) -> None:
    (found,) = well().in_mesh(WORKER, key=key).found()
    assert (found.text, found.mends) == (text, frozenset())


def test_a_mesh_that_was_not_looked_at_is_no_finding() -> None:
    assert well().having(WORKER, meshes={}).found() == []


def test_names_that_are_missing_are_written() -> None:
    names = {line for line in well().seen[WORKER].names if "ingress" not in line}
    (found,) = well().having(WORKER, names=frozenset(names)).found()
    assert found.text == "worker101 has no line in /etc/hosts for ingress016.vpn_ingr, ingress017.vpn_ingr"
    assert (found.mend, set(found.mends)) == ("`doctor worker101 --fix` writes them", {WORKER})


def test_a_firewall_that_does_not_run() -> None:
    assert well().having(WORKER, firewalld=False).texts() == ["firewalld does not run on worker101"]


def test_a_machine_that_did_not_end_its_answer_is_asked_again_and_not_judged() -> None:
    ward = well().having(WORKER, complete=False, names=frozenset(), firewalld=False)
    assert ward.texts() == ["worker101 did not say everything it was asked"]


@pytest.mark.parametrize(
    ("clock", "text"),
    [
        ((-0.4, 0.4), None),
        ((1.9, 2.6), None),
        ((30.0, 30.4), "the clock of worker101 is 30 s ahead of flstr's"),
        ((-12.5, -12.2), "the clock of worker101 is 12 s behind flstr's"),
    ],
)
def test_a_clock_is_wrong_only_where_the_way_there_cannot_explain_it(
    clock: tuple[float, float], text: str | None
) -> None:
    assert well().having(WORKER, clock=clock).texts() == ([] if text is None else [text])


def test_where_most_clocks_differ_from_flstrs_it_is_flstrs_that_is_wrong() -> None:
    ward = well()
    for node in (HUB, OTHER_HUB, WORKER):
        ward = ward.having(node, clock=(29.9, 30.1))
    assert ward.texts() == ["the clock of flstr's own machine is 30 s behind most others"]
    assert ward.having(WORKER, clock=(-0.1, 0.1)).texts() == [
        "the clock of flstr's own machine is 30 s behind most others",
        "the clock of worker101 is 30 s behind most others",
    ]


def test_a_machine_that_can_be_looked_at_and_is_not_ready_does_not_register_itself() -> None:
    ward = well()
    carries = {HUB: EtcdMember(node=HUB, address="10.120.0.1", member_id="1")}
    tree = ward.registered.model_copy(update={"etcd_members": carries, "not_ready": {WORKER: 1.0}})
    assert replace(ward, registered=tree).texts() == []
    told = tree.model_copy(update={"enrolled": {WORKER: enrolment_digest(tree)}})
    assert replace(ward, registered=told).texts() == [
        "worker101 can be logged in to, but does not register itself at etcd, and so it is NotReady"
    ]
