"""What each machine of a cluster holds of its meshes: fixture manifest in, expected script out."""

import pytest

from executors.mesh import why_not_joined
from executors.mesh_files import (
    Tunnel,
    hosts_lines,
    leaving_script,
    mesh_script,
    node_record,
    places,
    reached,
    touched,
    tunnels,
)
from executors.script import wrapped
from gitops.executor import HostFence
from model.errors import StepFailed
from model.registered import HostRecord
from tests.executors.clusters import MESH_FIXTURES, cluster, members
from tests.executors.expected import check, shellcheck

CASES = [(name, node) for name in ("small", "two-hubs") for node in cluster(name).nodes()]
SMALL = cluster("small")
TWO_HUBS = cluster("two-hubs")


@pytest.mark.parametrize(("name", "node"), CASES)
def test_the_script_of_each_machine(name: str, node: str) -> None:
    of = cluster(name)
    of_node = places(node, of, members(of))
    script = mesh_script(of_node, tunnels(of_node, of.nodes()))
    check(MESH_FIXTURES / name / "expected" / f"{node}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_leaving() -> None:
    script = leaving_script(["vpn_ctrl", "vpn_ingr"])
    check(MESH_FIXTURES / "leaving.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_members_connect_to_hubs_and_hubs_to_the_other_hubs() -> None:
    found = members(TWO_HUBS)
    of_service, of_hub = (places(node, TWO_HUBS, found)[0] for node in ("service101", "controller001"))
    assert of_service.folder()["tinc.conf"].count("ConnectTo = ") == 2
    assert "ConnectTo = controller002\n" in of_hub.folder()["tinc.conf"]
    assert "service101" not in of_hub.folder()["tinc.conf"]


def test_a_member_sends_the_whole_mesh_through_its_hubs_and_a_hub_knows_each_address() -> None:
    found = members(TWO_HUBS)
    of_service, of_hub = (places(node, TWO_HUBS, found)[0].folder() for node in ("service101", "controller001"))
    assert "Subnet = 10.110.0.0/24\n" in of_service["hosts/controller001"]
    assert "Subnet = 10.110.0.0/24\n" not in of_service["hosts/service101"]
    assert not any("/24" in of_hub[f"hosts/{node}"] for node in TWO_HUBS.nodes())


def test_members_do_not_hold_each_other() -> None:
    (of_ctrl, of_ingr) = places("worker101", SMALL, members(SMALL))
    assert [peer.node for peer in of_ctrl.peers] == ["controller001"]
    assert [peer.node for peer in of_ingr.peers] == ["ingress016"]


def test_a_joining_member_touches_its_hubs_only() -> None:
    assert touched(["worker101"], SMALL, members(SMALL)) == {"controller001", "ingress016"}


def test_a_joining_hub_touches_every_member_of_its_mesh() -> None:
    assert touched(["ingress016"], SMALL, members(SMALL)) == {"controller001", "worker101", "worker102"}


def test_only_hubs_that_are_up_are_waited_for() -> None:
    of_node = places("service101", TWO_HUBS, members(TWO_HUBS))
    assert tunnels(of_node, {"controller002"}) == (Tunnel("vpn_ctrl", "controller002", "10.110.0.2"),)


def test_a_plain_name_goes_with_the_first_mesh_that_leads_there() -> None:
    lines = hosts_lines(places("worker101", SMALL, members(SMALL))).splitlines()
    assert "10.110.0.3 worker101.vpn_ctrl worker101" in lines
    assert "10.111.0.2 worker101.vpn_ingr" in lines
    assert "10.111.0.1 ingress016.vpn_ingr ingress016" in lines


def test_what_is_registered_of_a_worker() -> None:
    of_node = places("worker101", SMALL, members(SMALL))
    host = HostRecord(node="worker101", host_key="ssh-ed25519 AAAA", ip="198.51.100.3", server_id=1)
    record = node_record(host, "worker", "worker", of_node)
    assert record.services == ("backend", "frontend")
    assert record.addresses == {"vpn_ctrl": "10.110.0.3", "vpn_ingr": "10.111.0.2"}
    assert node_record(host, "ingress", "ingress", ()).services == ("ingress",)


def test_the_tunnels_that_work_are_read_from_what_the_script_printed() -> None:
    output = "started vpn_ctrl\nreached vpn_ctrl controller001\nsilent vpn_ctrl controller002\nsome reached log line\n"
    assert reached(output) == {("vpn_ctrl", "controller001")}


def test_a_silent_hub_that_is_alive_is_a_failure() -> None:
    of_node = places("service101", TWO_HUBS, members(TWO_HUBS))
    answer = "reached vpn_ctrl controller001\nsilent vpn_ctrl controller002\n"
    failure = why_not_joined("service101", of_node, answer, alive={"controller001", "controller002"})
    assert failure is not None
    assert failure.sentence == "service101: no answer from controller002 through vpn_ctrl"


def test_a_dead_hub_holds_nobody_up_while_another_one_answers() -> None:
    of_node = places("service101", TWO_HUBS, members(TWO_HUBS))
    answer = "reached vpn_ctrl controller001\nsilent vpn_ctrl controller002\n"
    assert why_not_joined("service101", of_node, answer, alive={"controller001"}) is None


def test_a_mesh_with_no_hub_that_answers_is_a_failure() -> None:
    of_node = places("service101", TWO_HUBS, members(TWO_HUBS))
    failure = why_not_joined("service101", of_node, "", alive=())
    assert failure is not None
    assert failure.sentence == "service101: no answer from controller001, controller002 through vpn_ctrl"


def test_a_hub_joins_beside_others_that_are_dead() -> None:
    of_node = places("controller002", TWO_HUBS, members(TWO_HUBS))
    assert why_not_joined("controller002", of_node, "silent vpn_ctrl controller001\n", alive=()) is None
    assert why_not_joined("controller002", of_node, "", alive={"controller001"}) is not None


def test_the_first_hub_waits_for_nobody() -> None:
    found = {"vpn_ctrl": {"controller001": members(TWO_HUBS)["vpn_ctrl"]["controller001"]}}
    assert why_not_joined("controller001", places("controller001", TWO_HUBS, found), "", alive=()) is None


def test_a_failed_script_is_the_failure() -> None:
    failed = StepFailed("service101: the disk is full")
    assert why_not_joined("service101", places("service101", TWO_HUBS, members(TWO_HUBS)), failed, ()) is failed
