"""The cluster's etcd on real machines: founded by three, lost, enlarged, replaced, and brought down to one."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from executors.control.asking import at_a_member, carriers
from executors.control.etcd_members import EtcdMembers
from executors.control.member_files import users_script
from executors.control.signing import signer_of
from executors.control.users import forget_node_user_commands, node_user_commands
from executors.remote import OnEnd, OnLine, Remote
from gitops.certificates import key_safe
from gitops.control import etcd_endpoints, full_members
from gitops.executor import Cancellation, HostFence
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.steps import AddEtcdMember, FoundEtcd, RemoveEtcdMember
from tests.executors.machines import Machines
from tests.executors.rented import RentedHosts, rented_hosts
from tests.identity import IDENTITIES

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

FOUNDERS = ("controller001", "controller002", "controller003")
LATER = "controller004"
ALL = (*FOUNDERS, LATER)

ETCD = (
    "etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/etcd/flstr/ca.pem "
    "--dial-timeout=20s --command-timeout=30s --cert={cert} --key={key} {words}"
)
STATE = r"""
find /etc/etcd /etc/systemd/system -printf '%p %T@ %i\n' | sort
find /var/lib/etcd -maxdepth 1 -name 'flstr*' | sort
systemctl show --property=MainPID,NRestarts,ActiveEnterTimestampMonotonic flstr-etcd.service
"""


class Interrupted:
    """The way to the machines, which breaks after so many scripts."""

    def __init__(self, ssh: Remote, after: int) -> None:
        self._ssh = ssh
        self._left = after

    def run(
        self,
        node: str,
        script: str,
        fence: HostFence,
        timeout: float = 60.0,
        on_line: OnLine | None = None,
        cancellation: Cancellation | None = None,
    ) -> str:
        """See `Remote.run`."""
        self._left -= 1
        if self._left < 0:
            raise StepFailed("the controller was killed here")
        return self._ssh.run(node, script, fence, timeout, on_line, cancellation)

    def run_all(
        self,
        scripts: Mapping[str, str],
        fence: HostFence,
        timeout: float = 60.0,
        cancellation: Cancellation | None = None,
        on_end: OnEnd | None = None,
    ) -> dict[str, str | StepFailed]:
        """See `Remote.run_all`."""
        self._left -= 1
        if self._left < 0:
            return {node: StepFailed("the controller was killed here") for node in scripts}
        return self._ssh.run_all(scripts, fence, timeout, cancellation, on_end)


class ControlPlane(Machines):
    """Four controllers in their mesh, and what makes etcd of them."""

    def __init__(self, rented: RentedHosts, store: Store, folder: Path) -> None:
        super().__init__(rented, store, folder, "control")
        self.safe = key_safe(IDENTITIES)
        self.etcd = EtcdMembers(self.ssh, self.safe)

    def interrupted(self, carry_out: Callable[[EtcdMembers], None]) -> None:
        """Break off after no script, after one, and so on, until it reaches its end."""
        for scripts in range(30):
            try:
                carry_out(EtcdMembers(Interrupted(self.ssh, scripts), self.safe))
            except StepFailed as failure:
                if not failure.sentence.endswith("the controller was killed here"):
                    raise
            else:
                assert scripts > 2
                return

    def found(self, *nodes: str) -> None:
        self.etcd.found(FoundEtcd(nodes=nodes), self.context)

    def add(self, node: str) -> None:
        self.etcd.add(AddEtcdMember(node=node), self.context)

    def remove(self, node: str) -> None:
        self.etcd.remove(RemoveEtcdMember(node=node), self.context)

    def etcdctl(self, node: str, words: str, user: str = "flstr", folder: str = "/etc/etcd/flstr") -> str:
        """What etcdctl says on a machine, by the certificate of a user there."""
        return self.on(node, ETCD.format(cert=f"{folder}/{user}.pem", key=f"{folder}/{user}-key.pem", words=words))

    def voters(self, node: str) -> list[str]:
        listed = json.loads(self.etcdctl(node, "member list -w json"))["members"]
        return sorted(one["name"] for one in listed if not one.get("isLearner"))

    def etcd_state(self, *nodes: str) -> dict[str, str]:
        return {node: self.on(node, STATE) for node in nodes}

    def users(self, commands: str) -> None:
        at_a_member(self.ssh, users_script(commands), carriers(self.registry.read()), self.context)


@pytest.fixture(scope="module")
def plane(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Controllers that have joined; the tests follow one another."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        plane = ControlPlane(rented, store, tmp_path_factory.mktemp("plane"))
        plane.create(*ALL)
        plane.join(*ALL)
        yield plane
        plane.ssh.close()


def test_a_founding_that_is_interrupted_goes_on_to_three_members_that_agree(plane: ControlPlane) -> None:
    plane.interrupted(lambda etcd: etcd.found(FoundEtcd(nodes=FOUNDERS), plane.context))
    assert plane.voters("controller002") == [*FOUNDERS]
    plane.etcdctl("controller001", "put written-by controller001")
    assert plane.etcdctl("controller003", "get written-by --print-value-only").strip() == "controller001"
    members = full_members(plane.registry.read())
    assert [*members] == [*FOUNDERS]
    assert etcd_endpoints(plane.registry.read(), first="controller002")[0].endswith(
        f"{members['controller002'].address}:2379"
    )


def test_founding_twice_changes_nothing(plane: ControlPlane) -> None:
    before, keys_before = plane.etcd_state(*FOUNDERS), plane.store.prefix("")
    plane.found(*FOUNDERS)
    assert plane.etcd_state(*FOUNDERS) == before
    assert plane.store.prefix("") == keys_before


def test_it_listens_in_the_mesh_and_on_the_machine_itself_alone(plane: ControlPlane) -> None:
    address = plane.registry.read().etcd_members["controller001"].address
    listening = plane.on("controller001", "ss -Hltnp | awk '/\"etcd\"/ { print $4 }'").split()
    assert sorted(listening) == sorted([f"{address}:2379", f"{address}:2380", "127.0.0.1:2379"])
    private = plane.on("controller001", "stat -c '%a %U' /etc/etcd/flstr/*-key.pem").splitlines()
    assert sorted(private) == ["600 etcd", "600 root"]


def test_a_machine_writes_that_it_lives_and_nothing_else(plane: ControlPlane) -> None:
    node, folder = "controller003", "/root/node"
    csr = plane.on(
        node,
        f"mkdir -p {folder}; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
        f"-out {folder}/worker101-key.pem 2>/dev/null; "
        f"openssl req -new -batch -key {folder}/worker101-key.pem -subj /CN=flstr",
    )
    signer = signer_of(plane.store, plane.safe, "control")
    # Whatever a request says of its sender, the certificate says what flstr does.
    plane.on(node, f"cat >{folder}/worker101.pem <<'END'\n{signer.sign_client(csr, 'worker101')}END")

    def as_machine(words: str) -> str:
        return plane.etcdctl(node, words, "worker101", folder)

    with pytest.raises(StepFailed):
        as_machine("put flstr/alive/worker101 now")
    plane.users(node_user_commands("worker101", flanneld=True))
    plane.users(node_user_commands("worker101"))
    assert as_machine("put flstr/alive/worker101 now").strip() == "OK"
    for refused in (
        "put flstr/alive/worker102 now",
        "put flstr/alive/worker1011 now",
        "put /coreos.com/network/subnets/10.5.1.0-24 x",
        "get /coreos.com/network/config",
        "get written-by",
        "get --prefix ''",
        "user list",
        "member add intruder --peer-urls=https://10.110.0.99:2380",
    ):
        with pytest.raises(StepFailed, match="ermission denied"):
            as_machine(refused)
    plane.users(node_user_commands("worker101", flanneld=True))
    plane.etcdctl(node, "put /coreos.com/network/config '{}'")
    assert as_machine("get /coreos.com/network/config --print-value-only").strip() == "{}"
    assert as_machine("put /coreos.com/network/subnets/10.5.1.0-24 x").strip() == "OK"
    # As flanneld asks for all of them.
    assert as_machine("get --prefix /coreos.com/network/subnets --print-value-only").strip() == "x"
    for refused in ("put /coreos.com/network/config x", "del /coreos.com/network/config"):
        with pytest.raises(StepFailed, match="ermission denied"):
            as_machine(refused)
    plane.users(forget_node_user_commands("worker101"))
    plane.users(forget_node_user_commands("worker101"))
    with pytest.raises(StepFailed):
        as_machine("put flstr/alive/worker101 now")


def test_nobody_comes_in_without_a_certificate_nor_as_a_member_with_one_of_a_client(plane: ControlPlane) -> None:
    node = "controller001"
    address = plane.registry.read().etcd_members[node].address
    bare = "curl --silent --http1.1 --max-time 30 --cacert /etc/etcd/flstr/ca.pem"
    as_client = f"{bare} --cert /etc/etcd/flstr/flstr.pem --key /etc/etcd/flstr/flstr-key.pem"
    as_member = f"{bare} --cert /etc/etcd/flstr/member.pem --key /etc/etcd/flstr/member-key.pem"
    said = plane.on(
        node,
        f"for command in '{bare}' '{as_client}' '{as_member}'; do "
        f"$command --output /dev/null https://{address}:2380/members && echo in || echo out; done; "
        f"{bare} --output /dev/null https://{address}:2379/version && echo in || echo out",
    )
    assert said.split() == ["out", "out", "in", "out"]


def test_etcd_goes_on_without_one_and_keeps_those_that_it_needs(plane: ControlPlane) -> None:
    plane.on("controller003", "systemctl stop flstr-etcd")
    assert plane.etcdctl("controller001", "put without controller003").strip() == "OK"
    with pytest.raises(StepFailed) as failed:
        plane.remove("controller002")
    assert failed.value.sentence == (
        "controller002 has to stay: without it 1 of etcd's 2 members would answer, and 2 are needed; "
        "bring controller003 back, or destroy that first"
    )
    with pytest.raises(StepFailed, match="no other member while controller003 does not answer"):
        plane.add(LATER)
    plane.found(*FOUNDERS)
    assert plane.etcdctl("controller003", "get without --print-value-only").strip() == "controller003"


def test_an_addition_can_be_interrupted_anywhere_and_goes_on(plane: ControlPlane) -> None:
    plane.interrupted(lambda etcd: etcd.add(AddEtcdMember(node=LATER), plane.context))
    assert plane.voters(LATER) == [*ALL]
    assert plane.etcdctl(LATER, "get without --print-value-only").strip() == "controller003"
    assert [*full_members(plane.registry.read())] == [*ALL]


def test_a_machine_that_comes_back_with_an_empty_disk_is_added_anew(plane: ControlPlane) -> None:
    before = plane.registry.read().etcd_members[LATER]
    plane.on(LATER, "systemctl stop flstr-etcd; rm -rf /var/lib/etcd/flstr* /etc/etcd/flstr")
    plane.add(LATER)
    after = plane.registry.read().etcd_members[LATER]
    assert after.address == before.address
    assert after.member_id != before.member_id
    assert plane.voters(LATER) == [*ALL]


def test_a_dead_one_leaves_and_then_the_leader_of_the_others(plane: ControlPlane) -> None:
    plane.rented.cut_power("controller001")
    plane.ssh.forget("controller001")
    plane.remove("controller001")
    plane.remove("controller002")
    assert plane.voters("controller003") == ["controller003", LATER]
    assert plane.on("controller002", "systemctl is-enabled flstr-etcd || true").strip() == "disabled"
    assert plane.on("controller002", "cd /etc/etcd/flstr && ls *.pem").split() == ["ca.pem"]
    plane.remove("controller002")


def test_of_a_lost_quorum_one_can_be_made_an_etcd_of_its_own_as_the_documentation_says(plane: ControlPlane) -> None:
    plane.on(LATER, "systemctl stop flstr-etcd")
    with pytest.raises(StepFailed):
        plane.etcdctl("controller003", "put x y")
    plane.on(
        "controller003",
        "systemctl stop flstr-etcd; cd /etc/etcd/flstr && echo ETCD_FORCE_NEW_CLUSTER=true >>etcd.env && "
        "systemctl start flstr-etcd; sed -i /ETCD_FORCE_NEW_CLUSTER/d etcd.env",
    )
    plane.store.delete(keys.etcd_member(LATER))
    plane.found("controller003")
    assert plane.voters("controller003") == ["controller003"]
    plane.add(LATER)
    assert plane.voters(LATER) == ["controller003", LATER]
    assert plane.etcdctl(LATER, "get without --print-value-only").strip() == "controller003"


def test_the_last_one_stays(plane: ControlPlane) -> None:
    plane.remove(LATER)
    with pytest.raises(StepFailed, match="controller003 carries the only member of etcd"):
        plane.remove("controller003")
    assert plane.voters("controller003") == ["controller003"]
    assert plane.etcdctl("controller003", "get without --print-value-only").strip() == "controller003"


def test_data_of_another_etcd_are_kept_aside(plane: ControlPlane) -> None:
    aside = plane.on(LATER, "ls -d /var/lib/etcd/flstr.2* | wc -l")
    plane.store.delete(keys.AUTHORITY, *plane.store.prefix(keys.ETCD_MEMBERS))
    plane.found(LATER)
    assert plane.voters(LATER) == [LATER]
    assert plane.etcdctl(LATER, "get without --print-value-only").strip() == ""
    assert int(plane.on(LATER, "ls -d /var/lib/etcd/flstr.2* | wc -l")) == int(aside) + 1
