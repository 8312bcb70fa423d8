"""The doctor as a whole: whom it asks, what it answers, what it mends and what it leaves alone."""

import re
import time
from collections.abc import Iterator

import pytest

from executors.doctor import check
from executors.doctor.check import Doctor
from gitops.overlay_leases import read_leases
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.errors import Refused, StepFailed
from model.registered import HostRecord
from tests.executors.clusters import cluster
from tests.executors.doctor.ward import HUB, OTHER_HUB, WORKER, key_of, printed, registered_of
from tests.executors.scripted import ScriptedRemote

NO_KEY = "\tvpn_ingr\tworker101\t"


class Clinic:
    """A cluster in etcd, and machines that say what a test has them say until they are mended."""

    def __init__(self, store: Store, name: str) -> None:
        store.put(keys.LEADER, "this test")
        token = store.create_revision(keys.LEADER) or 0
        self.registry = Registry(store.fenced(Fence(keys.LEADER, token)))
        self.cluster, self.registered = cluster(name), registered_of(cluster(name))
        store.put(keys.CLUSTER, self.cluster.to_json())
        for record in self.registered.nodes.values():
            self.registry.put_node(record)
            self.registry.put_host(HostRecord(node=record.name, host_key="ssh-ed25519 AAAA", ip=record.ip))
        for mesh, members in self.registered.members.items():
            for member in members.values():
                self.registry.put_member(mesh, member)
        for subnet, lease in self.registered.leases.items():
            store.put(keys.overlay_subnet(subnet), lease.to_json())
        self.says = {node: printed(node, self.cluster, self.registered) for node in self.cluster.nodes()}
        self.well = dict(self.says)
        self.clocks = dict.fromkeys(self.says, 0.0)
        self.mendable = True
        self.remote = ScriptedRemote(self._answer)

    def __call__(self, *words: str, dead: tuple[str, ...] = ()) -> list[str]:
        self.remote = ScriptedRemote(self._answer, dead)
        return Doctor(self.remote)(words, self.registry).splitlines()

    def breaks(self, node: str, line: str, instead: str = "") -> None:
        """Where a machine does not say this part of a line, but something else."""
        assert line in self.says[node]
        self.says[node] = self.says[node].replace(line, instead)

    def mended(self) -> list[str]:
        """The machines that were changed, in order."""
        return self.remote.nodes("alone mesh") + self.remote.nodes("alone overlay")

    def _answer(self, node: str, script: str) -> str:
        if script.startswith("date "):
            return f"{time.time() + self.clocks[node]}\n"
        if script.startswith("# Changes nothing."):
            return self.says[node]
        if "overlay $(wg pubkey" in script and "set_peers" not in script:
            return f"overlay {key_of(node)}\n"
        if not self.mendable:
            raise StepFailed(f"{node}: the disk is full")
        self.says[node] = self.well[node]
        return ""


@pytest.fixture
def clinic(store: Store) -> Clinic:
    return Clinic(store, "three-machines")


@pytest.fixture
def in_overlay(store: Store) -> Clinic:
    return Clinic(store, "overlay")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is not mended is looked at twice and no more."""
    monkeypatch.setattr(check, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(check, "SETTLE_POLL_SECONDS", 0.02)
    return iter(())


def without_key(clinic: Clinic) -> None:
    """The first hub's file of the worker has no key."""
    line = next(line for line in clinic.says[HUB].splitlines() if line.startswith(f"host\tvpn_ingr\t{WORKER}\t"))
    clinic.breaks(HUB, line, line.rpartition("\t")[0] + "\t-")


def test_machines_that_are_well_are_one_line_and_nothing_is_changed(clinic: Clinic) -> None:
    assert clinic() == [":large_green_circle: 3 machines, 3 tunnels: all well"]
    assert clinic("--fix") == [":large_green_circle: 3 machines, 3 tunnels: all well"]
    assert clinic.mended() == []


def test_one_machine_is_looked_at_with_the_other_ends_of_its_tunnels(in_overlay: Clinic) -> None:
    assert in_overlay("controller001") == [":large_green_circle: 4 machines, 6 tunnels: all well"]
    looks = dict(in_overlay.remote.ran)
    assert "reach vpn_ctrl controller001" in next(
        script for node, script in in_overlay.remote.ran if node == "worker101" and "reach()" in script
    )
    assert looks.keys() == in_overlay.says.keys()


def test_what_does_not_concern_the_machine_is_not_told(clinic: Clinic) -> None:
    without_key(clinic)
    assert clinic(OTHER_HUB) == [":large_green_circle: 3 machines, 3 tunnels: all well"]
    assert clinic(WORKER) == [
        ":red_circle: ingress016 has no public key of worker101 in vpn_ingr: "
        "`doctor ingress016 --fix` writes its host file again"
    ]


def test_a_machine_that_is_not_known_is_refused_with_a_guess(clinic: Clinic) -> None:
    with pytest.raises(Refused, match=r"There is no node called worker110\. Did you mean worker101\?"):
        clinic("worker110")


def test_only_a_leader_looks(clinic: Clinic, store: Store) -> None:
    with pytest.raises(Refused, match="Only the flstr serve that leads"):
        Doctor(clinic.remote)((), Registry(store))


def test_without_being_told_to_nothing_is_mended(clinic: Clinic) -> None:
    without_key(clinic)
    clinic()
    assert clinic.mended() == []


def test_what_can_be_mended_is_and_what_was_is_told(clinic: Clinic) -> None:
    without_key(clinic)
    assert clinic("--fix") == [
        ":white_check_mark: mended: ingress016 has no public key of worker101 in vpn_ingr",
        ":large_green_circle: 3 machines, 3 tunnels: all well",
    ]
    assert clinic.mended() == [HUB, HUB, WORKER]


def test_what_a_mend_did_not_change_is_tried_once_more_and_told_as_before(clinic: Clinic) -> None:
    without_key(clinic)
    before = clinic()
    clinic.mendable = False
    assert clinic("--fix") == before
    assert clinic.mended() == [HUB, HUB, WORKER] * 2


def test_a_machine_that_is_not_reached_is_told_and_not_mended(clinic: Clinic) -> None:
    lines = clinic("--fix", dead=(HUB,))
    assert lines == [
        ":red_circle: ingress016 cannot be looked at "
        "(ingress016: no SSH connection to 192.0.2.1 port 22 (no answer)): see whether it is up in the Hetzner console"
    ]
    assert clinic.mended() == []


def test_a_clock_that_is_ahead_is_told(clinic: Clinic) -> None:
    clinic.clocks[WORKER] = 90.0
    (line,) = clinic()
    told = re.fullmatch(
        r":large_yellow_circle: the clock of worker101 is (\d+) s ahead of flstr's: "
        r"see whether systemd-timesyncd runs there",
        line,
    )
    # It answered before it was heard, by as much as a busy machine takes for it.
    assert told is not None
    assert 60 < int(told[1]) <= 90


def test_the_overlay_is_mended_by_its_own_script(in_overlay: Clinic) -> None:
    in_overlay.breaks("worker101", f"wgpeer\t{key_of('worker102')}", "nothing")
    assert in_overlay("--fix")[0] == (
        ":white_check_mark: mended: worker101 has no WireGuard peer for worker102 (10.5.4.0/24)"
    )
    assert in_overlay.remote.nodes("alone overlay") == ["worker101"]
    assert in_overlay.remote.nodes("alone mesh") == []


def test_another_key_in_the_overlay_is_not_taken(in_overlay: Clinic) -> None:
    in_overlay.breaks("worker101", f"wireguard\t{key_of('worker101')}", f"wireguard\t{key_of('stranger')}")
    before = read_leases(in_overlay.registry.store)
    (line,) = in_overlay("--fix")
    assert line.startswith(":red_circle: worker101 has another WireGuard key than its lease says: see who changed it")
    assert in_overlay.mended() == []
    assert read_leases(in_overlay.registry.store) == before


def test_a_lease_that_is_gone_is_claimed_again_for_the_same_subnet_and_key(in_overlay: Clinic, store: Store) -> None:
    before = read_leases(store)
    store.delete(keys.overlay_subnet("10.5.3.0/24"))
    assert (
        in_overlay("--fix")[0] == ":white_check_mark: mended: worker101 has 10.5.3.0/24 in the overlay without a lease"
    )
    assert read_leases(store) == before
