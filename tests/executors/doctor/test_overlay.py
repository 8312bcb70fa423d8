"""Each machine's WireGuard against the leases, and how the machines answer each other through it."""

from dataclasses import replace
from typing import Any

import pytest

from executors.doctor.facts import Device, Unit, WireGuardPeer
from executors.doctor.overlay import STALE_SECONDS
from model.networks import OVERLAY
from model.registered import OverlayLease
from tests.executors.doctor.ward import (
    NOW,
    ONE,
    OTHER,
    STRANGER,
    UNIT,
    Ward,
    by_flanneld,
    in_overlay,
    key_of,
    subnet_of,
    without_lease,
)

WELL = in_overlay()
DEVICE = WELL.overlay(ONE).device
OTHERS = subnet_of(OTHER, WELL)
OWN = subnet_of(ONE, WELL)


def peers(ward: Ward, about: str, **changes: Any) -> tuple[WireGuardPeer, ...]:
    """The first worker's peers, of which one is otherwise."""
    return tuple(replace(peer, **changes) if peer.key == key_of(about) else peer for peer in ward.overlay(ONE).peers)


def test_machines_that_are_well_are_no_finding() -> None:
    assert WELL.texts() == []
    assert by_flanneld().texts() == []


@pytest.mark.parametrize(
    ("changes", "text", "tend"),
    [
        ({"units": {UNIT: Unit(active=False, enabled=True)}}, f"{UNIT} does not run on {ONE}", (UNIT,)),
        ({"units": {UNIT: Unit(active=True, enabled=False)}}, f"{UNIT} does not start at boot on {ONE}", ()),
        ({"let_in": False}, f"firewalld on {ONE} keeps the overlay's port 51820 closed", ("firewalld",)),
        ({"device": Device(), "key": "", "peers": ()}, f"there is no device flannel-wg on {ONE}", (UNIT,)),
        ({"key": "", "peers": ()}, f"flannel-wg on {ONE} is no WireGuard device with a key", (UNIT,)),
        ({"device": replace(DEVICE, up=False, routes=())}, f"flannel-wg on {ONE} is down", (UNIT,)),
        (
            {"device": replace(DEVICE, address="")},
            f"flannel-wg on {ONE} has no address instead of {DEVICE.address}",
            (UNIT,),
        ),
        ({"device": replace(DEVICE, routes=())}, f"{ONE} has no route to 10.5.0.0/16 through flannel-wg", (UNIT,)),
        (
            {"device": replace(DEVICE, mtu=1500)},
            f"flannel-wg on {ONE} has an MTU of 1500 instead of 1420",
            (UNIT,),
        ),
        ({"port": "51999"}, f"WireGuard on {ONE} listens at port 51999, its lease says 51820", (UNIT,)),
        (
            {"peers": peers(WELL, OTHER, allowed="10.9.0.0/16")},
            f"{ONE} sends 10.9.0.0/16 to {OTHER} ({OTHERS}) in the overlay",
            (),
        ),
        (
            {"peers": peers(WELL, OTHER, allowed="")},
            f"{ONE} sends nothing to {OTHER} ({OTHERS}) in the overlay",
            (),
        ),
        (
            {"peers": peers(WELL, OTHER, endpoint="192.0.2.9:1")},
            f"{ONE} has 192.0.2.9:1 as the endpoint of {OTHER} ({OTHERS}) in the overlay",
            (),
        ),
        (
            {"peers": tuple(peer for peer in WELL.overlay(ONE).peers if peer.key != key_of(OTHER))},
            f"{ONE} has no WireGuard peer for {OTHER} ({OTHERS})",
            (),
        ),
        (
            {"peers": (*WELL.overlay(ONE).peers, STRANGER)},
            f"{ONE} has a WireGuard peer for 10.5.99.0/24 that no lease has",
            (),
        ),
    ],
)
def test_what_the_machine_itself_can_mend(changes: dict[str, Any], text: str, tend: tuple[str, ...]) -> None:
    (found,) = WELL.in_overlay(ONE, **changes).unreached(ONE, OTHER, OVERLAY, large=False).found()[:1]
    assert (found.text, set(found.mends), found.tend) == (text, {ONE}, tend)
    assert found.mend.startswith(f"`doctor {ONE} --fix` ")


def test_another_key_than_the_leases_is_for_a_person_and_explains_the_silence() -> None:
    ward = WELL.in_overlay(ONE, key=key_of("stranger"))
    for other in (OTHER, "ingress016"):
        ward = ward.unreached(ONE, other, OVERLAY).unreached(other, ONE, OVERLAY)
    (found,) = ward.found()
    assert found.text == f"{ONE} has another WireGuard key than its lease says"
    assert not found.mends


def test_a_driver_that_is_down_explains_its_device_and_the_silence() -> None:
    units = {UNIT: Unit(active=False, enabled=False)}
    ward = WELL.in_overlay(ONE, units=units, device=Device(), key="", peers=()).unreached(OTHER, ONE, OVERLAY)
    assert ward.texts() == [f"{UNIT} does not run on {ONE}", f"{UNIT} does not start at boot on {ONE}"]


def test_a_peer_that_is_missing_on_one_end_explains_that_neither_answers() -> None:
    left = tuple(peer for peer in WELL.overlay(ONE).peers if peer.key != key_of(OTHER))
    ward = WELL.in_overlay(ONE, peers=left).unreached(ONE, OTHER, OVERLAY).unreached(OTHER, ONE, OVERLAY)
    assert ward.texts() == [f"{ONE} has no WireGuard peer for {OTHER} ({OTHERS})"]


def test_a_machine_that_listens_at_another_port_explains_where_others_send_to() -> None:
    moved = {"endpoint": "198.51.100.4:51999"}
    ward = WELL.in_overlay(OTHER, port="51999").in_overlay(ONE, peers=peers(WELL, OTHER, **moved))
    assert ward.texts() == [f"WireGuard on {OTHER} listens at port 51999, its lease says 51820"]


def test_a_lease_of_a_machine_that_is_nobodys_is_a_peer_as_well() -> None:
    strange = WELL.registered.leases[OTHERS].model_copy(update={"public_ip": "192.0.2.9"})
    assert f"{ONE} has no WireGuard peer for 10.5.77.0/24" not in WELL.texts()
    key = strange.backend_data.model_copy(update={"public_key": key_of("strange")})
    ward = without_lease(WELL, "", **{"10.5.77.0/24": strange.model_copy(update={"backend_data": key})})
    assert ward.texts()[-1] == f"{OTHER} has no WireGuard peer for 10.5.77.0/24"


def with_key(ip: str) -> dict[str, OverlayLease]:
    """A lease of this address with the second worker's key, in a subnet that comes after all others."""
    return {"10.5.77.0/24": WELL.registered.leases[OTHERS].model_copy(update={"public_ip": ip})}


def test_a_stranger_with_the_key_of_a_machine_is_nobodys_peer_and_named() -> None:
    (found,) = without_lease(WELL, "", **with_key("192.0.2.9")).found()
    assert found.text == f"10.5.77.0/24 has the WireGuard key of {OTHER} ({OTHERS}) and gets nothing"
    assert (found.level, found.mend, found.concerns(OTHER)) == ("warning", "take its lease out of etcd", True)


def test_a_machine_with_the_key_of_another_one_explains_its_silence() -> None:
    ward = without_lease(WELL, OWN, **with_key(WELL.registered.nodes[ONE].ip))
    address = WELL.registered.nodes[ONE].addresses | {OVERLAY: "10.5.77.0"}
    nodes = {**ward.registered.nodes, ONE: ward.registered.nodes[ONE].model_copy(update={"addresses": address})}
    ward = replace(ward, registered=ward.registered.model_copy(update={"nodes": nodes})).unreached(OTHER, ONE, OVERLAY)
    found = next(one for one in ward.found() if "key of" in one.text)
    assert found.text == f"{ONE} (10.5.77.0/24) has the WireGuard key of {OTHER} ({OTHERS}) and gets nothing"
    assert (found.level, found.node, found.mend) == ("error", ONE, f"rent {ONE} anew")
    assert not any("does not answer" in text for text in ward.texts())


def test_a_lease_that_is_none_of_the_overlays_is_no_ones_peer_and_no_machines() -> None:
    wide = WELL.registered.leases[OTHERS].model_copy(update={"public_ip": WELL.registered.nodes[ONE].ip})
    for subnet in ("10.5.0.0/16", "10.5.0.0/255.255.255.0", "10.5.99.0/32"):
        assert without_lease(WELL, "", **{subnet: wide}).texts() == []


def test_a_lease_that_is_gone_is_one_finding_and_claimed_again() -> None:
    (found,) = without_lease(WELL, OWN).found()
    assert found.text == f"{ONE} has {OWN} in the overlay without a lease"
    assert found.mend == f"`doctor {ONE} --fix` claims it again"
    assert found.mends == {"ingress016", ONE, OTHER}


def test_a_subnet_that_another_machine_has_taken_is_not_claimed_again() -> None:
    taken = WELL.registered.leases[OWN].model_copy(update={"public_ip": "192.0.2.9"})
    found = next(one for one in without_lease(WELL, "", **{OWN: taken}).found() if "without a lease" in one.text)
    assert found.text == f"{ONE} has {OWN} in the overlay without a lease; 192.0.2.9 holds that now"
    assert not found.mends


def test_a_lease_that_flanneld_lost_is_claimed_by_itself_once_it_starts_again() -> None:
    (found,) = without_lease(by_flanneld(), OWN).found()
    assert (set(found.mends), found.tend) == ({ONE}, ("flanneld",))
    assert found.mend == f"`doctor {ONE} --fix` starts flanneld again, which claims it"


def test_a_machine_that_was_never_in_the_overlay_waits_for_the_plan() -> None:
    ward = without_lease(WELL, OWN)
    record = ward.registered.nodes[ONE].model_copy(update={"addresses": {}})
    nodes = {**ward.registered.nodes, ONE: record}
    ward = replace(ward, registered=ward.registered.model_copy(update={"nodes": nodes}))
    assert f"{ONE} has no subnet of the overlay" in ward.texts()


@pytest.mark.parametrize(
    ("handshake", "mend"),
    [
        (0.0, "see whether UDP port 51820 of 198.51.100.4 can be reached; there was no handshake"),
        (NOW - STALE_SECONDS - 1, "see whether UDP port 51820 of 198.51.100.4 can be reached; there was no handshake"),
        (NOW - 60, f"see what firewalld on {OTHER} drops; the handshake is fresh"),
    ],
)
def test_silence_that_nothing_explains_is_told_of_once_with_what_the_handshake_says(
    handshake: float, mend: str
) -> None:
    ward = WELL.in_overlay(ONE, peers=peers(WELL, OTHER, handshake=handshake))
    (found,) = ward.unreached(ONE, OTHER, OVERLAY).unreached(OTHER, ONE, OVERLAY).found()
    assert found.text == f"{OTHER} does not answer {ONE} through the overlay"
    assert (found.mend, found.mends) == (mend, frozenset())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"large": False}, f"{OTHER} answers {ONE} through the overlay, but no large packet arrives"),
        ({"tcp": False}, f"{OTHER} answers a ping of {ONE} through the overlay, but no TCP"),
    ],
)
def test_the_overlay_that_does_not_carry_everything_is_a_warning(changes: dict[str, Any], text: str) -> None:
    (found,) = WELL.unreached(ONE, OTHER, OVERLAY, **changes).found()
    assert (found.level, found.text) == ("warning", text)


def test_a_dead_machine_explains_what_others_see_of_it() -> None:
    assert WELL.dead(OTHER).texts() == [f"{OTHER} cannot be looked at (no SSH connection)"]


def test_names_of_the_overlay_that_are_missing_are_written() -> None:
    names = {line for line in WELL.seen[ONE].names if not line.endswith(f"{OTHER}.overlay")}
    (found,) = WELL.having(ONE, names=frozenset(names)).found()
    assert found.text == f"{ONE} has no line in /etc/hosts for {OTHER}.overlay"
    assert (found.mesh, set(found.mends)) == (OVERLAY, {ONE})


def test_where_flanneld_sets_the_peers_it_is_started_again() -> None:
    ward = by_flanneld()
    (found,) = ward.in_overlay(ONE, peers=(*ward.overlay(ONE).peers, STRANGER)).found()
    assert (found.mend, found.tend) == (f"`doctor {ONE} --fix` starts flanneld again", ("flanneld",))
