"""Real machines, in the order of their lives: rented, joined to their meshes, rebooted, dead, left, given back."""

from collections.abc import Iterator

import pytest

from model import keys
from model.errors import StepFailed
from model.steps import DestroyNode
from tests.executors.machines import Machines
from tests.executors.rented import rented_hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

FIRST = ("controller001", "ingress016", "worker101")
LATER = "worker102"
ALL = (*FIRST, LATER)


@pytest.fixture(scope="module")
def machines(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Three machines that have joined; the tests follow one another."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        machines = Machines(rented, store, tmp_path_factory.mktemp("machines"))
        machines.create(*FIRST)
        machines.join(*FIRST)
        yield machines
        machines.ssh.close()


def test_each_machine_reaches_its_hubs_and_each_hub_its_members(machines: Machines) -> None:
    assert machines.pings("worker101", "controller001", "ingress016", "ingress016.vpn_ingr") == [
        "controller001",
        "ingress016",
        "ingress016.vpn_ingr",
    ]
    assert machines.pings("controller001", "worker101", "ingress016.vpn_ctrl") == ["worker101", "ingress016.vpn_ctrl"]
    assert machines.pings("ingress016", "worker101.vpn_ingr", "controller001") == [
        "worker101.vpn_ingr",
        "controller001",
    ]


def test_each_machine_is_registered_with_its_addresses(machines: Machines) -> None:
    nodes = machines.registry.read().nodes
    assert sorted(nodes) == sorted(FIRST)
    worker = nodes["worker101"]
    assert (worker.role, worker.pool, worker.services) == ("worker", "worker", ("backend", "frontend"))
    interfaces = machines.on("worker101", "ip -4 -oneline address show | awk '{print $2, $4}'").split("\n")
    for mesh in ("vpn_ctrl", "vpn_ingr"):
        assert f"{mesh} {worker.addresses[mesh]}/24" in interfaces


def test_a_second_join_changes_nothing_and_restarts_nothing(machines: Machines) -> None:
    before, keys_before = machines.state(*FIRST), machines.store.prefix("")
    machines.join(*FIRST)
    assert machines.state(*FIRST) == before
    assert machines.store.prefix("") == keys_before


def test_a_second_first_contact_changes_nothing(machines: Machines) -> None:
    before, keys_before = machines.state("worker101"), machines.store.prefix("")
    machines.create("worker101")
    assert machines.state("worker101") == before
    assert machines.store.prefix("") == keys_before


def test_the_mesh_ports_are_open_and_each_mesh_is_a_zone_of_its_own(machines: Machines) -> None:
    ports = machines.on("worker101", "firewall-cmd --zone=public --list-ports").split()
    assert sorted(ports) == ["22/tcp", "760/tcp", "760/udp", "762/tcp", "762/udp"]
    for mesh in ("vpn_ctrl", "vpn_ingr"):
        assert machines.on("worker101", f"firewall-cmd --zone={mesh} --list-interfaces").split() == [mesh]


def test_private_keys_are_for_root_only(machines: Machines) -> None:
    assert machines.on("worker101", "stat -c '%a %U' /etc/tinc/*/rsa_key.priv").splitlines() == ["600 root"] * 2


def test_a_later_member_joins_without_a_restart_and_leaves_other_members_alone(machines: Machines) -> None:
    hubs = {node: machines.daemons(node) for node in ("controller001", "ingress016")}
    other = machines.state("worker101")
    machines.create(LATER)
    machines.join(LATER)
    assert machines.pings(LATER, "controller001", "ingress016") == ["controller001", "ingress016"]
    assert {node: machines.daemons(node) for node in hubs} == hubs
    assert machines.state("worker101") == other


def test_members_reach_each_other_through_a_hub(machines: Machines) -> None:
    address = machines.registry.read().nodes[LATER].addresses["vpn_ingr"]
    assert machines.pings("worker101", address) == [address]


def test_one_that_cannot_join_does_not_stop_another(machines: Machines) -> None:
    machines.store.delete(keys.node("worker101"))
    with pytest.raises(StepFailed) as failed:
        machines.join("worker101", "worker199")
    assert failed.value.sentence == "worker199 did not join: worker199: no pool of cluster.yaml has it any more"
    assert "worker101" in machines.registry.read().nodes


def test_a_daemon_that_was_stopped_runs_again_after_a_join(machines: Machines) -> None:
    machines.on("worker101", "systemctl disable --quiet --now tinc@vpn_ctrl")
    assert machines.pings("worker101", "controller001") == []
    machines.join("worker101")
    assert machines.pings("worker101", "controller001") == ["controller001"]


def test_a_rebooted_machine_is_back_in_its_meshes_by_itself(machines: Machines) -> None:
    machines.reboot(LATER)
    assert machines.pings_soon("controller001", LATER) == [LATER]
    assert machines.pings_soon(LATER, "controller001", "ingress016") == ["controller001", "ingress016"]


def test_a_dead_machine_is_taken_off_every_other_one(machines: Machines) -> None:
    hubs = {node: machines.daemons(node) for node in ("controller001", "ingress016")}
    addresses = machines.registry.read().nodes[LATER].addresses
    machines.rented.cut_power(LATER)
    machines.leave(LATER)
    traces = f"grep {LATER} /etc/hosts || true; find /etc/tinc -name {LATER}"
    assert {node: machines.on(node, traces) for node in FIRST} == dict.fromkeys(FIRST, "")
    assert {node: machines.daemons(node) for node in hubs} == hubs
    assert machines.pings("worker101", "controller001", "ingress016") == ["controller001", "ingress016"]
    held = machines.store.prefix(keys.MESHES)
    assert LATER not in machines.registry.read().nodes
    assert not any(LATER in key or LATER in value for key, value in held.items())
    assert not any(keys.mesh_address(mesh, address) in held for mesh, address in addresses.items())
    machines.leave(LATER)
    machines.provision.destroy_node(DestroyNode(node=LATER), machines.context)
    assert [server.name for server in machines.rented.client.servers.get_all(name=LATER)] == []


def test_a_living_machine_stops_its_meshes_when_it_leaves(machines: Machines) -> None:
    machines.leave("worker101")
    assert machines.on("worker101", "systemctl is-active tinc@vpn_ctrl tinc@vpn_ingr || true").split() == [
        "inactive",
        "inactive",
    ]


def test_one_that_left_can_join_again(machines: Machines) -> None:
    machines.join("worker101")
    assert machines.pings("worker101", "controller001", "ingress016") == ["controller001", "ingress016"]
