"""What is the same fault at the next look although it is said in other words, and what is another one."""

from dataclasses import replace
from typing import Any

import pytest

from executors.doctor.findings import Finding
from model.networks import OVERLAY
from tests.executors.doctor.ward import HUB, MESH, ONE, OTHER, OTHER_HUB, WORKER, Ward, in_overlay, key_of, well

AT = "(198.51.100.1 port 762)"
WELL, IN_OVERLAY = well(), in_overlay()


def device(**changes: Any) -> Ward:
    return WELL.in_mesh(WORKER, device=replace(WELL.mesh(WORKER).device, **changes))


def overlay_device(**changes: Any) -> Ward:
    overlay = IN_OVERLAY.overlay(ONE)
    return IN_OVERLAY.in_overlay(ONE, device=replace(overlay.device, **changes))


def peer(**changes: Any) -> Ward:
    peers = [replace(one, **changes) if one.key == key_of(OTHER) else one for one in IN_OVERLAY.overlay(ONE).peers]
    return IN_OVERLAY.in_overlay(ONE, peers=tuple(peers))


def without_names(*gone: str) -> Ward:
    names = {line for line in WELL.seen[WORKER].names if line.split()[1] not in gone}
    return WELL.having(WORKER, names=frozenset(names))


def answering(other: str) -> Ward:
    line = f"Peer 198.51.100.2 port 762 is {other} instead of {HUB}"
    ward = WELL.with_file(WORKER, HUB, address="198.51.100.2")
    return ward.logging(WORKER, line) if other else ward


def ignoring(subnet: str) -> Ward:
    return WELL.logging(OTHER_HUB, f"Ignoring unauthorized ADD_SUBNET from {HUB} {AT}: {subnet}#10")


def timeout(node: str, about: str, *before: str) -> Ward:
    return WELL.logging(node, *before, f"Timeout from {about} {AT} during authentication")


def only(ward: Ward) -> Finding:
    (found,) = ward.found()
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (device(mtu=900), device(mtu=1300)),
        (device(address="10.120.0.77/24"), device(address="")),
        (overlay_device(mtu=900), overlay_device(mtu=1300)),
        (WELL.in_mesh(WORKER, name="somebody"), WELL.in_mesh(WORKER, name="")),
        (WELL.with_file(WORKER, HUB, port="7999"), WELL.with_file(WORKER, HUB, port="")),
        (without_names(f"{HUB}.{MESH}", f"{OTHER_HUB}.{MESH}"), without_names(f"{HUB}.{MESH}")),
        (answering(OTHER_HUB), answering("")),
        (IN_OVERLAY.in_overlay(ONE, port="51999"), IN_OVERLAY.in_overlay(ONE, port="51998")),
        (peer(allowed="10.9.0.0/16"), peer(endpoint="192.0.2.9:1")),
        (timeout(WORKER, HUB), timeout(HUB, WORKER)),
        (timeout(WORKER, HUB), timeout(WORKER, HUB, f"Got ID from {HUB} {AT}: 0")),
        (WELL.unreached(WORKER, HUB), WELL.unreached(HUB, WORKER)),
    ],
)
def test_it_is_the_same_fault(one: Ward, other: Ward) -> None:
    assert only(one).text != only(other).text
    assert only(one).identity == only(other).identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (device(mtu=900), overlay_device(mtu=900)),
        (device(mtu=900), device(address="")),
        (WELL.with_file(WORKER, HUB, port="7999"), WELL.with_file(HUB, WORKER, port="7999")),
        (WELL.with_file(WORKER, HUB, port="7999"), WELL.with_file(WORKER, HUB, address="192.0.2.9")),
        (WELL.without_file(WORKER, HUB), WELL.without_file(HUB, WORKER)),
        (timeout(WORKER, HUB), WELL.unreached(WORKER, HUB)),
        (IN_OVERLAY.unreached(ONE, OTHER, OVERLAY), IN_OVERLAY.unreached(ONE, OTHER, OVERLAY, large=False)),
    ],
)
def test_it_is_another_one(one: Ward, other: Ward) -> None:
    assert only(one).identity != only(other).identity


def test_each_subnet_that_is_refused_is_a_fault_of_its_own() -> None:
    addresses = [WELL.registered.members[MESH][node].address for node in (WORKER, HUB)]
    one, other = (only(ignoring(address)) for address in addresses)
    assert one.identity != other.identity
