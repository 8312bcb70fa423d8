"""Machines that register themselves at an etcd with TLS and users, on real hosts."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from executors.control.enrolment import Enrolment
from executors.control.etcd_members import EtcdMembers
from executors.control.member_files import FOLDER as ETCD_FOLDER
from executors.control.node_files import LEASE_SECONDS
from gitops.certificates import key_safe
from gitops.enrolment import enrolment_digest, wrongly_enrolled
from gitops.store import Store
from model import keys
from model.registered import EtcdMember
from model.steps import EnrolNodes, FoundEtcd, LeaveMeshes
from tests.executors.machines import Machines
from tests.executors.rented import RentedHosts, rented_hosts
from tests.identity import IDENTITIES

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

CARRIES, SILENT, ONE, OTHER = "controller001", "controller002", "service101", "service102"
NODES = (CARRIES, ONE, OTHER)
WITHIN_SECONDS = 90.0
# All that an enrolment may change: files with their times, and when the unit started.
STATE = """
find /etc/flstr /usr/local/lib/flstr /etc/systemd /var/lib/flstr -printf '%p %T@ %i\n' | sort
systemctl show --property=MainPID,NRestarts flstr-node.service
"""


class Enrolling(Machines):
    """Machines, of which one carries an etcd of its own; a second one is registered as a member, and none runs there."""

    def __init__(self, rented: RentedHosts, store: Store, folder: object) -> None:
        super().__init__(rented, store, folder, "two-hubs")  # type: ignore[arg-type]
        self.create(CARRIES, SILENT, ONE, OTHER)
        self.join(CARRIES, SILENT, ONE, OTHER)
        safe = key_safe(IDENTITIES)
        EtcdMembers(self.ssh, safe).found(FoundEtcd(nodes=(CARRIES,)), self.context)
        address = self.registry.read().nodes[SILENT].addresses["vpn_ctrl"]
        silent = EtcdMember(node=SILENT, address=address, member_id="1")
        self.registry.store.put(keys.etcd_member(SILENT), silent.to_json())
        self.enrolment = Enrolment(self.ssh, safe)

    def enrol(self, *nodes: str) -> None:
        self.enrolment.enrol(EnrolNodes(nodes=nodes), self.context)

    def etcd(self, command: str) -> str:
        """What etcdctl prints that is asked by a controller."""
        user = f"--cacert={ETCD_FOLDER}/ca.pem --cert={ETCD_FOLDER}/flstr.pem --key={ETCD_FOLDER}/flstr-key.pem"
        limits = "--dial-timeout=20s --command-timeout=30s"
        return self.on(CARRIES, f"etcdctl --endpoints=https://127.0.0.1:2379 {user} {limits} {command}")

    def alive(self) -> dict[str, dict[str, object]]:
        """What machines say of themselves."""
        lines = self.etcd(f"get --prefix {keys.ALIVE}").splitlines()
        pairs = zip(lines[::2], lines[1::2], strict=True)
        return {key.removeprefix(keys.ALIVE): json.loads(value) for key, value in pairs}

    def lease(self) -> str:
        """The lease that one of them holds, once it has one."""
        file = "/run/flstr-node/lease"
        return self.on(ONE, f"timeout 50 sh -c 'until [ -s {file} ]; do sleep 0.1; done'; cat {file}").strip()

    def revision(self) -> int:
        return int(json.loads(self.etcd("get --write-out=json x"))["header"]["revision"])


def soon(holds: Callable[[], bool], within: float = WITHIN_SECONDS) -> float:
    """Wait until it holds; the seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + within
        time.sleep(0.2)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def machines(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enrolling]:
    """The tests follow one another."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        machines = Enrolling(rented, store, tmp_path_factory.mktemp("machines"))
        yield machines
        machines.ssh.close()


def test_machines_register_themselves_although_a_member_is_silent(machines: Enrolling) -> None:
    machines.enrol(*NODES)
    tree = machines.registry.read()
    records = [tree.nodes[node] for node in NODES]
    assert machines.alive() == {
        one.name: {"name": one.name, "ip": one.ip, "services": list(one.services)} for one in records
    }
    assert tree.enrolled == dict.fromkeys(NODES, enrolment_digest(tree))
    assert wrongly_enrolled(machines.cluster, tree) == (SILENT,)


def test_enrolling_them_again_changes_nothing(machines: Enrolling) -> None:
    before = {node: machines.on(node, STATE) for node in NODES}
    machines.enrol(*NODES)
    assert {node: machines.on(node, STATE) for node in NODES} == before


def test_a_machine_may_write_of_itself_alone_and_its_key_is_for_root(machines: Enrolling) -> None:
    folder = "/etc/flstr/node"
    mine = f"--cacert={folder}/ca.pem --cert={folder}/node.pem --key={folder}/node-key.pem"
    address = machines.registry.read().nodes[CARRIES].addresses["vpn_ctrl"]
    put = f"etcdctl --endpoints=https://{address}:2379 {mine} put {keys.alive(OTHER)} x 2>&1 || true"
    assert "permission denied" in machines.on(ONE, put)
    assert machines.on(ONE, f"stat -c '%U %a' {folder}/node-key.pem").split() == ["root", "600"]
    user = machines.on(ONE, "ps -o user= -p $(systemctl show --property=MainPID --value flstr-node)").strip()
    assert user.startswith("flstr-n")


def test_that_a_machine_lives_costs_etcd_no_write(machines: Enrolling) -> None:
    def left() -> int:
        return int(json.loads(machines.etcd(f"lease timetolive {machines.lease()} --write-out=json"))["ttl"])

    before = machines.revision()
    soon(lambda: left() < LEASE_SECONDS - 1)
    soon(lambda: left() >= LEASE_SECONDS - 1)
    assert machines.revision() == before


def test_a_restart_of_etcd_keeps_the_lease(machines: Enrolling, monkeypatch: pytest.MonkeyPatch) -> None:
    # However long the restart takes: the lease of this machine outlives it.
    with monkeypatch.context() as patch:
        patch.setattr("executors.control.node_files.LEASE_SECONDS", 60)
        machines.enrol(ONE)
    lease = machines.lease()
    machines.on(CARRIES, "systemctl restart flstr-etcd")
    soon(lambda: "is healthy" in machines.etcd("endpoint health 2>&1 || true"))
    soon(lambda: set(machines.alive()) == set(NODES))
    assert machines.lease() == lease
    machines.enrol(ONE)
    assert machines.lease() != lease


def test_a_long_absence_of_etcd_makes_a_new_lease(machines: Enrolling) -> None:
    lease = machines.lease()
    machines.on(CARRIES, "systemctl stop flstr-etcd")
    gone = "[ -e /run/flstr-node/lease ] && echo there || echo gone"
    soon(lambda: machines.on(ONE, gone).strip() == "gone")
    machines.on(CARRIES, "systemctl start flstr-etcd")
    soon(lambda: machines.on(ONE, gone).strip() == "there")
    soon(lambda: set(machines.alive()) == set(NODES))
    assert machines.lease() != lease


def test_an_orderly_stop_unregisters_at_once(machines: Enrolling) -> None:
    machines.on(ONE, "systemctl stop flstr-node")
    assert set(machines.alive()) == {CARRIES, OTHER}
    machines.on(ONE, "systemctl start flstr-node")
    soon(lambda: set(machines.alive()) == set(NODES))


def test_a_program_that_is_killed_is_started_again_and_registers_anew(machines: Enrolling) -> None:
    lease = machines.lease()
    machines.on(ONE, "systemctl kill --signal=KILL flstr-node")
    soon(lambda: machines.on(ONE, "cat /run/flstr-node/lease 2>/dev/null || true").strip() not in ("", lease))
    assert set(machines.alive()) == set(NODES)


def test_a_machine_without_power_is_gone_when_its_lease_ends_and_there_again_once_it_has_booted(
    machines: Enrolling,
) -> None:
    machines.rented.cut_power(OTHER)
    took = soon(lambda: OTHER not in machines.alive())
    print(f"gone {took:.1f} s after its power was cut, by a lease of {LEASE_SECONDS} s")
    machines.rented.reboot(OTHER)
    soon(lambda: OTHER in machines.alive())


def test_a_machine_that_leaves_has_neither_unit_nor_user_any_more(machines: Enrolling) -> None:
    leave = machines.enrolment.leaving(machines.meshes.leave)
    leave(LeaveMeshes(node=OTHER), machines.context)
    assert set(machines.alive()) == {CARRIES, ONE}
    assert OTHER not in machines.etcd("user list").split()
    assert machines.on(OTHER, "systemctl is-enabled flstr-node || true").strip() == "disabled"
    assert machines.on(OTHER, "ls /etc/flstr/node").split() == ["ca.pem"]
    assert OTHER not in machines.registry.read().enrolled
