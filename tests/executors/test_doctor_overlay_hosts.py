"""What can go wrong with an overlay, produced on real machines, found, named, and mended where that is safe."""

import re
from collections.abc import Iterator

import pytest

from gitops.overlay_leases import read_leases
from model import keys
from tests.executors.patients import Patients, mended
from tests.executors.rented import rented_hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

HUB, ONE, OTHER = "ingress016", "worker101", "worker102"
# Two tunnels of the mesh, three of the overlay.
WELL = "✓ 3 machines, 5 tunnels: all well"
UNIT = "wg-quick@flannel-wg"


@pytest.fixture(scope="module")
def patients(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patients]:
    """Well at first, and at the end of each test but the last."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        patients = Patients(rented, store, tmp_path_factory.mktemp("patients"), "three-in-overlay")
        yield patients
        patients.ssh.close()


def subnet(patients: Patients, node: str) -> str:
    leases = read_leases(patients.registry.store)
    return next(subnet for subnet, lease in leases.items() if lease.public_ip == patients.address(node))


def key(patients: Patients, node: str) -> str:
    return patients.on(node, "wg show flannel-wg public-key").strip()


def named(lines: list[str]) -> list[str]:
    """What is wrong, without what to do."""
    return [line.partition(": ")[0] for line in lines]


def found_and_mended(patients: Patients, wrong: list[str]) -> None:
    """The doctor says this and nothing else, mends it all, and finds nothing afterwards."""
    assert sorted(line[2:] for line in named(patients.doctor())) == sorted(wrong)
    assert sorted(mended(patients.doctor("--fix"), WELL)) == sorted(wrong)
    assert patients.doctor() == [WELL]


def test_machines_that_are_well_are_one_line(patients: Patients) -> None:
    assert patients.doctor() == [WELL]
    assert patients.doctor(ONE) == ["✓ 3 machines, 3 tunnels: all well"]


def test_a_peer_that_is_missing_one_that_gets_what_is_not_its_and_a_stranger(patients: Patients) -> None:
    subnets = {node: subnet(patients, node) for node in (HUB, ONE, OTHER)}
    patients.on(ONE, f"wg set flannel-wg peer {key(patients, OTHER)} remove")
    patients.on(OTHER, f"wg set flannel-wg peer {key(patients, HUB)} allowed-ips 10.9.0.0/16")
    patients.on(HUB, "wg set flannel-wg peer $(wg genkey | wg pubkey) allowed-ips 10.5.99.0/24")
    found_and_mended(
        patients,
        [
            f"{HUB} has a WireGuard peer for 10.5.99.0/24 that no lease has",
            f"{ONE} has no WireGuard peer for {OTHER} ({subnets[OTHER]})",
            f"{OTHER} sends 10.9.0.0/16 to {HUB} ({subnets[HUB]}) in the overlay",
        ],
    )


def test_a_device_that_is_down_one_that_is_gone_and_a_driver_that_is_stopped(patients: Patients) -> None:
    patients.on(HUB, "ip link set flannel-wg down")
    patients.on(ONE, "ip link delete flannel-wg")
    patients.on(OTHER, f"systemctl disable --quiet --now {UNIT}")
    found_and_mended(
        patients,
        [
            f"flannel-wg on {HUB} is down",
            f"there is no device flannel-wg on {ONE}",
            f"{UNIT} does not run on {OTHER}",
            f"{UNIT} does not start at boot on {OTHER}",
        ],
    )


def test_an_address_a_route_an_mtu_and_a_name_that_are_not_as_they_should_be(patients: Patients) -> None:
    own = subnet(patients, OTHER).partition("/")[0]
    patients.on(HUB, "ip route delete 10.5.0.0/16 dev flannel-wg")
    patients.on(ONE, f"ip link set flannel-wg mtu 1300; sed -i '/ {HUB}.overlay/d' /etc/hosts")
    patients.on(OTHER, f"ip address replace 10.5.99.0/32 dev flannel-wg; ip address delete {own}/32 dev flannel-wg")
    found_and_mended(
        patients,
        [
            f"{HUB} has no route to 10.5.0.0/16 through flannel-wg",
            f"flannel-wg on {ONE} has an MTU of 1300 instead of 1420",
            f"{ONE} has no line in /etc/hosts for {HUB}.overlay",
            f"flannel-wg on {OTHER} has 10.5.99.0/32 instead of {own}/32",
        ],
    )


def test_a_port_that_is_closed_and_one_that_is_another(patients: Patients) -> None:
    patients.on(HUB, "firewall-cmd --quiet --zone=public --remove-port=51820/udp")
    patients.on(ONE, "wg set flannel-wg listen-port 51999")
    found_and_mended(
        patients,
        [
            f"firewalld on {HUB} keeps the overlay's port 51820 closed",
            f"WireGuard on {ONE} listens at port 51999, its lease says 51820",
        ],
    )


def test_a_lease_that_is_gone_is_claimed_again_as_it_was(patients: Patients) -> None:
    before = read_leases(patients.registry.store)
    own = subnet(patients, ONE)
    patients.registry.store.delete(keys.overlay_subnet(own))
    found_and_mended(patients, [f"{ONE} has {own} in the overlay without a lease"])
    assert read_leases(patients.registry.store) == before


def test_another_key_is_for_a_person(patients: Patients) -> None:
    leases = read_leases(patients.registry.store)
    patients.on(ONE, "wg genkey >other.key; wg set flannel-wg private-key other.key; rm other.key")
    wrong = [f"✗ {ONE} has another WireGuard key than its lease says"]
    assert named(patients.doctor("--fix")) == wrong
    assert read_leases(patients.registry.store) == leases
    patients.on(ONE, f"systemctl restart {UNIT}")
    assert patients.on(ONE, f"timeout 50 sh -c 'until ping -c 1 -W 1 {OTHER}.overlay; do :; done'") != ""
    patients.join()
    assert patients.doctor() == [WELL]


def test_a_packet_that_does_not_arrive_whole_and_a_port_that_drops(patients: Patients) -> None:
    drop = (
        "nft add table ip lost; nft 'add chain ip lost input {{ type filter hook input priority 0; }}'\n"
        "nft add rule ip lost input iifname flannel-wg {} drop"
    )
    patients.on(HUB, drop.format("icmp type echo-request meta length gt 1000"))
    patients.on(OTHER, drop.format("tcp dport 22"))
    assert set(named(patients.doctor())) == {
        f"! {HUB} answers {ONE} through the overlay, but no large packet arrives",
        f"! {OTHER} answers a ping of {HUB} through the overlay, but no TCP",
        f"! {OTHER} answers a ping of {ONE} through the overlay, but no TCP",
    }
    for node in (HUB, OTHER):
        patients.on(node, "nft delete table ip lost")
    assert patients.doctor() == [WELL]


def test_a_clock_that_is_ahead(patients: Patients) -> None:
    """A container has its machine's clock: what it says of it is wrong here."""
    patients.on(ONE, 'printf \'#!/bin/sh\\nexec /usr/bin/date --date="90 seconds" "$@"\\n\' >/usr/local/bin/date')
    patients.on(ONE, "chmod 755 /usr/local/bin/date")
    (line,) = patients.doctor()
    told = re.fullmatch(
        rf"! the clock of {ONE} is (\d+) s ahead of flstr's: see whether systemd-timesyncd runs there", line
    )
    # It answered before it was heard, by as much as a busy machine takes for it.
    assert told is not None
    assert 60 < int(told[1]) <= 90
    patients.on(ONE, "rm /usr/local/bin/date")
    assert patients.doctor() == [WELL]


def test_a_dead_machine_explains_what_the_others_see(patients: Patients) -> None:
    patients.rented.cut_power(OTHER)
    assert [line.partition(" (")[0] for line in patients.doctor()] == [f"✗ {OTHER} cannot be looked at"]
