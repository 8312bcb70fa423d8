"""Which machines get which script for a finding, what begins anew there, and what is left to a person."""

from executors.doctor.mending import connecting, overlaying, writing
from executors.script import wrapped
from gitops.executor import HostFence
from model.networks import OVERLAY
from tests.executors.doctor.ward import (
    HUB,
    ONE,
    OTHER,
    OTHER_HUB,
    STRANGER,
    UNIT,
    WORKER,
    Ward,
    by_flanneld,
    in_overlay,
    subnet_of,
    well,
    without_lease,
)
from tests.executors.expected import shellcheck

WELL = in_overlay()
AT = "(198.51.100.1 port 762)"


def of_meshes(ward: Ward) -> tuple[dict[str, str], dict[str, str]]:
    """The scripts that write, and those that connect."""
    found = ward.found()
    return (
        dict(writing(found, ward.cluster, ward.registered)),
        dict(connecting(found, ward.seen, ward.cluster, ward.registered)),
    )


def of_overlay(ward: Ward) -> dict[str, str]:
    return dict(overlaying(ward.found(), ward.seen, ward.cluster, ward.registered))


def marks(script: str) -> list[str]:
    """What has to begin anew, as it is marked before the script proper."""
    first = script[: script.index("# only_hosts")] if "# only_hosts" in script else script.split("\n# ", maxsplit=1)[0]
    return [line.rpartition("/")[2] for line in first.splitlines() if line.startswith("echo changed >")]


def test_machines_that_are_well_get_no_script() -> None:
    assert of_meshes(well()) == ({}, {})
    assert of_overlay(WELL) == {}


def test_the_machine_at_fault_is_written_to_and_both_ends_connect_anew() -> None:
    writes, connects = of_meshes(well().without_file(HUB, WORKER))
    assert list(writes) == [HUB]
    assert list(connects) == [HUB, WORKER]
    assert marks(writes[HUB]) == ["reload-tinc@vpn_ingr"]
    assert "reach vpn_ingr" not in writes[HUB]
    assert f"reach vpn_ingr {HUB}/" in connects[WORKER]


def test_what_is_read_at_the_start_only_makes_the_daemon_start_once_and_not_twice() -> None:
    line = f"Ignoring unauthorized ADD_SUBNET from worker101 {AT}: 10.120.0.3#10"
    writes, connects = of_meshes(well().logging(OTHER_HUB, line))
    assert marks(writes[OTHER_HUB]) == ["reload-tinc@vpn_ingr", "restart-tinc@vpn_ingr"]
    assert marks(connects[OTHER_HUB]) == ["reload-tinc@vpn_ingr"]


def test_a_machine_that_does_not_answer_is_not_waited_for() -> None:
    ward = well().without_file(WORKER, OTHER_HUB).dead(HUB)
    _, connects = of_meshes(ward)
    assert HUB not in connects
    assert f"{HUB}/" not in connects[WORKER]


def test_what_is_for_a_person_gets_no_script() -> None:
    ward = well().logging(HUB, f"Peer worker101 {AT} uses incompatible version 18").in_mesh(WORKER, key="")
    assert of_meshes(ward) == ({}, {})
    assert of_overlay(WELL.in_overlay(ONE, key=STRANGER.key)) == {}


def test_a_wrong_peer_of_the_overlay_is_set_by_the_script_of_the_overlay_alone() -> None:
    ward = WELL.in_overlay(ONE, peers=())
    assert of_meshes(ward) == ({}, {})
    (script,) = of_overlay(ward).values()
    assert marks(script) == []
    assert f"{OTHER}/" in script.rpartition("\nreach ")[2]


def test_a_device_of_the_overlay_that_is_wrong_has_its_driver_start_again() -> None:
    device = WELL.overlay(ONE).device
    ward = WELL.in_overlay(ONE, device=type(device)(device.address, device.mtu, (), up=False))
    assert {node: marks(script) for node, script in of_overlay(ward).items()} == {ONE: [UNIT]}


def test_a_firewall_that_keeps_the_overlay_out_is_loaded_again() -> None:
    assert {node: marks(script) for node, script in of_overlay(WELL.in_overlay(ONE, let_in=False)).items()} == {
        ONE: ["firewalld"]
    }


def test_a_dead_machine_is_not_waited_for_in_the_overlay() -> None:
    (script,) = of_overlay(WELL.in_overlay(ONE, peers=()).dead(OTHER)).values()
    assert f"{OTHER}/" not in script.rpartition("\nreach ")[2]


def test_a_machine_without_a_lease_gets_no_script_until_it_has_one() -> None:
    ward = without_lease(WELL, subnet_of(ONE, WELL))
    found = ward.found()
    assert [one.mesh for one in found if one.mends] == [OVERLAY]
    assert sorted(overlaying(found, ward.seen, ward.cluster, ward.registered)) == ["ingress016", OTHER]
    assert sorted(overlaying(found, WELL.seen, WELL.cluster, WELL.registered)) == ["ingress016", ONE, OTHER]


def test_flanneld_is_started_again_to_claim_what_it_lost() -> None:
    ward = without_lease(by_flanneld(), subnet_of(ONE, WELL))
    assert {node: marks(script) for node, script in of_overlay(ward).items()} == {ONE: ["flanneld"]}


def test_the_scripts_are_sound_shell() -> None:
    writes, connects = of_meshes(well().without_file(HUB, WORKER))
    for script in (*writes.values(), *connects.values(), *of_overlay(WELL.in_overlay(ONE, peers=())).values()):
        shellcheck(wrapped(script, HostFence(1)))
