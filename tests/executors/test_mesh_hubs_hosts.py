"""A star with two hubs on real machines: keys compared before a start, a machine made anew, a hub that dies."""

from collections.abc import Iterator

import pytest

from model import keys
from model.errors import StepFailed
from model.networks import Mesh
from model.steps import DestroyNode, RefreshMeshes, RetireMeshes
from tests.executors.machines import Machines
from tests.executors.rented import rented_hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

HUBS = ("controller001", "controller002")
FIRST, LATER = "service101", "service102"


@pytest.fixture(scope="module")
def machines(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Two hubs and a member that have joined, and a machine that has not; the tests follow one another."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        machines = Machines(rented, store, tmp_path_factory.mktemp("machines"), "two-hubs")
        machines.create(*HUBS, FIRST, LATER)
        machines.join(*HUBS, FIRST)
        yield machines
        machines.ssh.close()


def test_a_member_does_not_start_with_a_key_that_is_not_the_one_its_hubs_hold(machines: Machines) -> None:
    machines.on(LATER, "cd /etc/tinc/vpn_ctrl && mv rsa_key.priv right && tincd -c . -K2048 </dev/null >/dev/null 2>&1")
    with pytest.raises(StepFailed) as failed:
        machines.join(LATER)
    assert failed.value.sentence.startswith(
        f"{LATER} did not join: {LATER}: {LATER} and etcd do not have the same key and port of {LATER} in vpn_ctrl ("
    )
    assert machines.on(LATER, "systemctl is-active tinc@vpn_ctrl || true").strip() == "inactive"
    machines.on(LATER, "cd /etc/tinc/vpn_ctrl && mv right rsa_key.priv")


def test_a_hub_with_a_key_of_its_own_making_is_left_as_it_is_and_named(machines: Machines) -> None:
    machines.on(
        HUBS[1], "cd /etc/tinc/vpn_ctrl && mv rsa_key.priv right && openssl genrsa -traditional 2048 >rsa_key.priv"
    )
    with pytest.raises(StepFailed, match=f"{HUBS[1]} and etcd do not have the same key"):
        machines.meshes.refresh(RefreshMeshes(nodes=HUBS), machines.context)
    machines.on(HUBS[1], "cd /etc/tinc/vpn_ctrl && mv right rsa_key.priv")
    machines.meshes.refresh(RefreshMeshes(nodes=HUBS), machines.context)


def test_joining_costs_each_machine_one_script(machines: Machines) -> None:
    member = machines.state(FIRST)
    machines.ssh.ran.clear()
    machines.join(LATER)
    assert sorted(machines.ssh.ran) == sorted((*HUBS, LATER))
    assert machines.pings(LATER, *HUBS) == list(HUBS)
    assert machines.state(FIRST) == member


def test_a_hub_that_is_connected_and_not_heard_is_heard_after_a_new_start(machines: Machines) -> None:
    """As where session keys of tinc's arrive in the wrong order: here it is a rule that goes when the daemon starts."""
    address = machines.registry.members("vpn_ctrl")[HUBS[1]].address
    machines.on(
        LATER,
        "mkdir -p /run/systemd/system/tinc@vpn_ctrl.service.d\n"
        "cd /run/systemd/system/tinc@vpn_ctrl.service.d\n"
        "printf '[Service]\\nExecStartPre=-/usr/sbin/nft delete table ip unheard\\n' >unheard.conf\n"
        "systemctl daemon-reload\n"
        "nft add table ip unheard; nft 'add chain ip unheard input { type filter hook input priority 0; }'\n"
        f"nft add rule ip unheard input iifname vpn_ctrl ip saddr {address} drop",
    )
    assert machines.pings(LATER, *HUBS) == [HUBS[0]]
    machines.join(LATER)
    assert machines.pings(LATER, *HUBS) == list(HUBS)
    machines.on(LATER, "rm -r /run/systemd/system/tinc@vpn_ctrl.service.d; systemctl daemon-reload")


def test_a_machine_that_was_made_anew_joins_under_its_old_name_at_once(machines: Machines) -> None:
    old = machines.registry.members("vpn_ctrl")[LATER]
    machines.rented.cut_power(LATER)
    machines.leave(LATER)
    machines.provision.destroy_node(DestroyNode(node=LATER), machines.context)
    machines.create(LATER)
    machines.join(LATER)
    new = machines.registry.members("vpn_ctrl")[LATER]
    assert new.public_key != old.public_key
    assert machines.pings(HUBS[0], LATER) == [LATER]
    assert machines.pings(LATER, *HUBS) == list(HUBS)


def test_a_mesh_that_is_gone_is_stopped_and_forgotten(machines: Machines) -> None:
    other = Mesh.model_validate(
        {"subnet": "10.112.0.0/24", "port": 764, "hubs": ["controller"], "members": ["service"]}
    )
    both = machines.cluster.model_copy(update={"meshes": {**machines.cluster.meshes, "vpn_other": other}})
    machines.store.put(keys.CLUSTER, both.to_json())
    machines.join(*HUBS, FIRST)
    assert machines.pings(FIRST, f"{HUBS[1]}.vpn_other") == [f"{HUBS[1]}.vpn_other"]
    machines.store.put(keys.CLUSTER, machines.cluster.to_json())
    machines.meshes.retire(RetireMeshes(meshes=("vpn_other",)), machines.context)
    traces = (
        "ls /etc/tinc; grep -c vpn_other /etc/hosts /etc/tinc/nets.boot; systemctl is-enabled tinc@vpn_other || true"
    )
    assert "vpn_other" not in machines.on(FIRST, f"({traces}) 2>&1 | grep -v ':0$' || true")
    assert not any("vpn_other" in key for key in machines.store.prefix(keys.MESHES))
    assert machines.pings(FIRST, HUBS[1]) == [HUBS[1]]


@pytest.mark.parametrize("silent", HUBS)
def test_traffic_goes_on_over_the_other_hub_when_one_falls_silent(machines: Machines, silent: str) -> None:
    """As one does that loses its power: nothing tells the others. One of the two carries the traffic."""
    address = machines.registry.members("vpn_ctrl")[LATER].address
    assert machines.pings_soon(FIRST, address) == [address]
    signal = "systemctl kill --kill-who=main --signal={} tinc@vpn_ctrl"
    machines.on(silent, signal.format("STOP"))
    try:
        assert machines.pings(FIRST, silent) == []
        assert machines.pings_soon(FIRST, address) == [address]
    finally:
        machines.on(silent, signal.format("CONT"))
    machines.join(FIRST, LATER)
    assert machines.pings(FIRST, *HUBS) == list(HUBS)


def test_traffic_goes_on_over_the_other_hub_when_one_dies(machines: Machines) -> None:
    address = machines.registry.members("vpn_ctrl")[LATER].address
    # The hub that was silent is back with the two that were joined anew; the hubs find each other in their own time.
    assert machines.pings_soon(FIRST, address) == [address]
    machines.rented.cut_power(HUBS[0])
    assert machines.pings_soon(FIRST, address) == [address]
    assert machines.pings(FIRST, HUBS[1]) == [HUBS[1]]


def test_a_machine_that_was_away_is_brought_up_to_date_and_a_dead_one_holds_nobody_up(machines: Machines) -> None:
    machines.reports.clear()
    machines.meshes.refresh(RefreshMeshes(nodes=(*HUBS, FIRST)), machines.context)
    assert [line.split()[0] for line in machines.reports] == [HUBS[0]]
    assert "was not brought up to date" in machines.reports[0]
