"""The two ends of a tunnel together: what one end says explains what the other one complains of."""

from typing import Any

import pytest

from executors.doctor.links import RECENT_SECONDS
from model.cluster import Cluster
from tests.executors.clusters import cluster
from tests.executors.doctor.ward import HUB, OTHER_HUB, WORKER, Ward, log_of, well

AT = "(198.51.100.1 port 762)"
ALL = (HUB, OTHER_HUB, WORKER)
TIMEOUT = f"Timeout from ingress016 {AT} during authentication"
# Of the notes' successful handshake: another mesh, with a hub that is a controller.
NOTES = Cluster.model_validate(
    {
        "cluster": "notes",
        "pools": {
            "etcd": {"role": "controller", "server_type": "cx22", "count": 1, "first": 1},
            "ingress": {"role": "ingress", "server_type": "cx22", "count": 1, "first": 16},
            "worker": {"role": "worker", "server_type": "cx22", "count": 1},
        },
        "meshes": {
            "vpn_ctrl": {
                "subnet": "10.110.0.0/24",
                "port": 760,
                "hubs": ["controller"],
                "members": ["ingress", "worker"],
            }
        },
    }
)


def broken(ward: Ward) -> Ward:
    """Where the worker and its first hub do not reach each other."""
    return ward.unreached(WORKER, HUB).unreached(HUB, WORKER)


def test_machines_that_are_well_are_no_finding() -> None:
    assert well().texts() == []


@pytest.mark.parametrize("key", ["", "as registered"], ids=["the file has no key", "the file was mended"])
def test_the_notes_failing_handshake_ends_in_what_the_hub_lacks(key: str) -> None:
    ward = broken(well())
    ward = ward.in_mesh(HUB, log=log_of("failing-ingress016.log")).in_mesh(WORKER, log=log_of("failing-worker101.log"))
    if not key:
        ward = ward.with_file(HUB, WORKER, key="")
    (found,) = ward.found()
    assert found.text == "ingress016 has no public key of worker101 in vpn_ingr"
    assert (found.node, found.about, set(found.mends)) == (HUB, WORKER, {HUB})


def test_the_notes_failing_handshake_seen_from_the_member_alone_blames_the_hub() -> None:
    (found,) = broken(well()).in_mesh(WORKER, log=log_of("failing-worker101.log")).found()
    assert found.text == (
        "ingress016 does not end the handshake with worker101 in vpn_ingr: the fault is on the other side, ingress016"
    )
    assert found.mends == {HUB}


def test_the_notes_successful_handshake_is_no_finding() -> None:
    ward = well(NOTES)
    ward = ward.in_mesh("etcd001", "vpn_ctrl", log=log_of("successful-etcd001.log"))
    assert ward.in_mesh("ingress016", "vpn_ctrl", log=log_of("successful-ingress016.log")).found() == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("No public key for worker101 specified!", "ingress016 has no public key of worker101 in vpn_ingr"),
        (f"Peer {AT} had unknown identity (worker101)", "ingress016 has no host file of worker101 in vpn_ingr"),
        (
            f"Possible intruder worker101 {AT}: wrong keylength",
            "worker101 has a public key of ingress016 in vpn_ingr that is not ingress016's",
        ),
    ],
)
def test_the_end_that_refuses_explains_the_timeout_of_the_other(line: str, text: str) -> None:
    assert broken(well()).logging(HUB, line).logging(WORKER, TIMEOUT).texts() == [text]


def test_two_ends_that_wait_for_each_other_are_one_fault() -> None:
    ward = broken(well()).logging(WORKER, TIMEOUT).logging(HUB, TIMEOUT.replace("ingress016", "worker101"))
    assert len(ward.found()) == 1


def test_what_the_files_show_goes_before_what_the_journals_say() -> None:
    ward = broken(well()).without_file(HUB, WORKER).logging(WORKER, f"Bogus data received from ingress016 {AT}")
    assert ward.texts() == ["ingress016 has no host file of worker101 in vpn_ingr"]


def test_who_answers_at_a_wrong_address_is_named_with_it() -> None:
    line = "Peer 198.51.100.2 port 762 is ingress017 instead of ingress016"
    ward = broken(well()).with_file(WORKER, HUB, address="198.51.100.2").logging(WORKER, line)
    assert ward.texts() == [
        "worker101 has another address of ingress016 in vpn_ingr than is registered; ingress017 answers there"
    ]
    assert broken(well()).logging(WORKER, line).texts() == [
        "ingress017 answers worker101 at the address of ingress016 in vpn_ingr"
    ]


def test_a_stale_key_is_mended_on_both_ends() -> None:
    lines = [f"Sending ID to ingress016 {AT}: 0", f"Got ID from ingress016 {AT}: 0", TIMEOUT]
    (found,) = broken(well()).logging(WORKER, *lines).found()
    assert "a key of one is stale on the other" in found.text
    assert found.mends == {HUB, WORKER}


def test_a_daemon_that_is_down_explains_that_nothing_listens() -> None:
    refused = f"Error while connecting to ingress016 {AT}: Connection refused"
    ward = broken(well()).logging(WORKER, refused)
    assert ward.texts() == ["nothing listens for worker101 at ingress016's address in vpn_ingr"]
    unit = ward.mesh(HUB).unit
    down = ward.in_mesh(HUB, listens=False, unit=type(unit)(active=False, enabled=True))
    assert down.texts() == ["tincd of vpn_ingr does not run on ingress016"]


def test_a_dead_machine_explains_what_others_see_of_it() -> None:
    ward = well().logging(WORKER, TIMEOUT).dead(HUB)
    assert ward.texts() == ["ingress016 cannot be looked at (no SSH connection)"]


def test_another_version_and_a_copy_are_told_of_and_are_for_a_person() -> None:
    version = well().logging(HUB, f"Peer worker101 {AT} uses incompatible version 18").found()
    clone = well().logging(WORKER, "Possible node with same Name as us! Sleeping 10 seconds.").found()
    assert [one.text for one in (*version, *clone)] == [
        "worker101 speaks version 18 of tinc's protocol to ingress016 in vpn_ingr, which ingress016 does not",
        "another machine calls itself worker101 in vpn_ingr",
    ]
    assert not any(one.mends for one in (*version, *clone))


def test_a_copy_explains_connections_that_break() -> None:
    broke = [f"Metadata socket read error for worker101 {AT}: Connection reset by peer"] * 3
    ward = well().logging(HUB, *broke)
    assert ward.texts() == ["the connection of ingress016 with worker101 in vpn_ingr breaks"]
    copied = ward.logging(WORKER, "Possible node with same Name as us! Sleeping 10 seconds.")
    assert copied.texts() == ["another machine calls itself worker101 in vpn_ingr"]


def test_a_subnet_is_told_of_whose_it_is_and_not_who_sent_it_on() -> None:
    address = well().registered.members["vpn_ingr"][WORKER].address
    line = f"Ignoring unauthorized ADD_SUBNET from ingress016 {AT}: {address}#10"
    (found,) = well().logging(OTHER_HUB, line).found()
    assert found.text == f"ingress017 does not let worker101 have {address} in vpn_ingr"
    assert (set(found.mends), found.tend) == ({OTHER_HUB, WORKER}, ("restart-tinc@vpn_ingr",))


def test_that_a_hub_refuses_the_whole_subnet_is_as_it_should_be() -> None:
    assert well().logging(HUB, f"Ignoring unauthorized ADD_SUBNET from worker101 {AT}: 10.120.0.0/24#10").found() == []


def test_that_a_member_refuses_the_subnet_of_another_member_is_as_it_should_be() -> None:
    line = f"Ignoring unauthorized ADD_SUBNET from controller001 {AT}: 10.110.0.4#10"
    assert well(cluster("small")).logging("worker101", line, mesh="vpn_ctrl").found() == []
    hubs = line.replace("10.110.0.4#10", "10.110.0.0/24#10")
    (found,) = well(cluster("small")).logging("worker101", hubs, mesh="vpn_ctrl").found()
    assert found.text == "worker101 does not let controller001 have 10.110.0.0/24 in vpn_ctrl"


def test_what_passes_by_itself_is_forgotten_and_what_does_not_is_kept() -> None:
    old = RECENT_SECONDS + 60
    refused = f"Error while connecting to ingress016 {AT}: Connection refused"
    assert well().logging(WORKER, refused, ago=old).found() == []
    assert well().logging(HUB, "No public key for worker101 specified!", ago=old).found() != []


def test_a_machine_that_is_not_in_the_mesh_is_to_stop_asking() -> None:
    (found,) = well().logging(HUB, f"Peer {AT} had unknown identity (worker999)").found()
    assert found.text == "worker999, which is not in vpn_ingr, connects to ingress016"
    assert found.level == "warning"


def test_one_that_is_not_in_the_mesh_and_asks_no_more_is_forgotten_without_a_line_that_says_so() -> None:
    line = f"Peer {AT} had unknown identity (worker999)"
    assert well().logging(HUB, line, ago=RECENT_SECONDS + 60).found() == []
    assert well().logging(HUB, line.replace("worker999", WORKER), ago=RECENT_SECONDS + 60).found() != []


def test_silence_that_nothing_explains_is_told_of_once_and_mended_on_both_ends() -> None:
    (found,) = broken(well()).found()
    assert found.text == "worker101 does not answer ingress016 through vpn_ingr"
    assert found.mends == {HUB, WORKER}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"large": False}, "ingress016 answers worker101 through vpn_ingr, but no large packet arrives"),
        ({"tcp": False}, "ingress016 answers a ping of worker101 through vpn_ingr, but no TCP"),
    ],
)
def test_a_tunnel_that_does_not_carry_everything_is_a_warning(changes: dict[str, Any], text: str) -> None:
    (found,) = well().unreached(WORKER, HUB, **changes).found()
    assert (found.level, found.text) == ("warning", text)
    assert not found.mends


def test_a_device_that_is_wrong_explains_what_does_not_arrive_through_it() -> None:
    device = well().mesh(WORKER).device
    ward = (
        well()
        .unreached(WORKER, HUB, large=False)
        .in_mesh(WORKER, device=type(device)(device.address, 900, device.routes, device.up))
    )
    assert ward.texts() == ["vpn_ingr on worker101 has an MTU of 900 instead of 1500"]
