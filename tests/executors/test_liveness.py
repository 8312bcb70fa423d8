"""The watch over machines, on a real etcd and real sshds on loopback."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from executors.acknowledged import acknowledged_within
from executors.liveness import Liveness
from executors.ssh import Ssh
from gitops.enrolment import enrolment_digest
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.errors import Fenced, Unreadable
from model.names import Role
from model.operation import Notice
from model.registered import EtcdMember, HostRecord, NodeRecord
from tests.executors.sshd import LoopbackSshd, make_key
from tests.gitops.scene import CLUSTER_YAML, instance, manifests

# So many that one which seems silent for a moment, beside the one that is, is not half of them.
STAYING = ("controller001", "ingress016", "ingress017", "worker101", "worker103")
NODES = {node: f"127.0.0.{number}" for number, node in enumerate(STAYING, start=21)}
DYING = "worker102"


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[LoopbackSshd]:
    """Machines that stay."""
    sshd = LoopbackSshd(tmp_path / "sshd", tuple(NODES.values()))
    sshd.start()
    yield sshd
    sshd.stop()


@pytest.fixture
def dying(tmp_path: Path, machines: LoopbackSshd) -> Iterator[LoopbackSshd]:
    """worker102, which can be stopped alone; it lets in the same key at the same port."""
    sshd = LoopbackSshd(tmp_path / "dying", ("127.0.0.14",))
    (tmp_path / "dying/authorized_keys").write_text(f"{machines.client_public}\n")
    sshd.port = machines.port
    sshd.start()
    yield sshd
    sshd.stop()


@pytest.fixture
def registry(store: Store, machines: LoopbackSshd, dying: LoopbackSshd) -> Registry:
    registry = Registry(store)
    store.put(keys.CLUSTER, manifests(f"dead_after: 2m\n{CLUSTER_YAML}").cluster.to_json())
    for node, ip in NODES.items():
        registry.put_host(machines.record(node, ip=ip))
        register(registry, node, ip)
    registry.put_host(dying.record(DYING, ip="127.0.0.14"))
    register(registry, DYING, "127.0.0.14")
    registry.put_instance("backend", "influencer", "1-aaaaaaaa", instance(DYING))
    return registry


def register(registry: Registry, node: str, ip: str) -> None:
    role = TypeAdapter(Role).validate_python(node.rstrip("0123456789"))
    registry.put_node(NodeRecord(name=node, ip=ip, services=(), role=role, pool=role))


def enrol(registry: Registry) -> None:
    """The one that dies was told where the cluster's etcd is."""
    carries = EtcdMember(node="controller001", address="10.110.0.1", member_id="1")
    registry.store.put(keys.etcd_member("controller001"), carries.to_json())
    registry.put_enrolled(DYING, enrolment_digest(registry.read()))


class Watch:
    """A watch with a clock that tests set."""

    def __init__(self, registry: Registry, ssh: Ssh) -> None:
        self.registry, self.ssh, self.now, self.woken = registry, ssh, 1000.0, 0
        self._liveness = Liveness(registry, ssh.answers, self._wake, lambda: self.now)

    def _wake(self) -> None:
        self.woken += 1

    def look(self, after: float = 0.0) -> dict[str, float]:
        """Who is given up after one more look."""
        self.now += after
        self._liveness.look()
        return self.registry.dead()

    def await_silence(self, *nodes: str) -> None:
        """Wait until flstr has heard that their connections are gone, a minute at most."""
        deadline = time.monotonic() + 60
        while any(self.ssh.answers(node) for node in nodes):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def not_ready(self) -> dict[str, float]:
        """Who gets no traffic."""
        return self.registry.read().not_ready

    def said(self) -> list[str]:
        found = self.registry.store.prefix(keys.NOTICES).values()
        return [notice.text for notice in sorted(map(Notice.model_validate_json, found), key=lambda notice: notice.at)]


@pytest.fixture
def ssh(registry: Registry, machines: LoopbackSshd, tmp_path: Path) -> Iterator[Ssh]:
    ssh = Ssh(registry.host, machines.client_key, port=machines.port, state_folder=str(tmp_path / "state"))
    yield ssh
    ssh.close()


@pytest.fixture
def watch(registry: Registry, ssh: Ssh) -> Watch:
    return Watch(registry, ssh)


def test_a_machine_that_dies_gets_no_traffic_is_given_up_in_time_and_taken_back_when_it_answers(
    watch: Watch, dying: LoopbackSshd
) -> None:
    assert watch.look() == {}
    dying.stop()
    watch.await_silence(DYING)
    assert watch.look(15) == watch.look(29) == watch.not_ready() == {}
    assert (watch.said(), watch.woken) == ([], 0)
    assert watch.look(1) == {}
    assert watch.not_ready() == {DYING: 1015.0}
    # Nobody else runs the app.
    silent = (
        ":warning: worker102 is NotReady: it has not answered for 30 seconds; "
        "its instances get no traffic, but those of influencer, which has no others."
    )
    assert (watch.said(), watch.woken) == ([silent], 1)
    assert watch.look(89) == {}
    assert watch.look(1) == watch.not_ready() == {DYING: 1015.0}
    dead = ":warning: worker102 has not answered for 2 minutes; its instances are started on other machines."
    assert (watch.said(), watch.woken) == ([silent, dead], 2)
    assert watch.look(15) == {DYING: 1015.0}
    dying.start()
    assert watch.look(15) == watch.not_ready() == {}
    back = ":white_check_mark: worker102 answers again, after 2 minutes."
    assert (watch.said(), watch.woken) == ([silent, dead, back], 3)


def test_an_enrolled_machine_lives_by_what_it_says_of_itself_and_is_not_asked(
    watch: Watch, dying: LoopbackSshd
) -> None:
    enrol(watch.registry)
    watch.registry.store.put(keys.alive(DYING), "{}")
    watch.look()
    assert dying.connections() == 0
    watch.registry.store.delete(keys.alive(DYING))
    watch.look(15)
    watch.look(30)
    assert watch.not_ready() == {DYING: 1015.0}
    (said,) = watch.said()
    assert said.startswith(":warning: worker102 is NotReady: it answers SSH, but has not registered itself for 30 sec")
    watch.look(5)
    assert watch.not_ready() == {DYING: 1015.0}
    watch.registry.store.put(keys.alive(DYING), "{}")
    watch.look(5)
    assert watch.not_ready() == {}


def test_one_that_was_told_of_another_etcd_is_asked_for_it_cannot_say_that_it_lives(
    watch: Watch, dying: LoopbackSshd
) -> None:
    enrol(watch.registry)
    moved = EtcdMember(node="controller001", address="10.110.0.2", member_id="1")
    watch.registry.store.put(keys.etcd_member("controller001"), moved.to_json())
    watch.look()
    watch.look(60)
    assert (dying.connections(), watch.not_ready()) == (1, {})


def test_one_that_was_silent_is_back_only_once_it_answers_as_well(watch: Watch, dying: LoopbackSshd) -> None:
    enrol(watch.registry)
    dying.stop()
    watch.look()
    watch.look(30)
    watch.registry.store.put(keys.alive(DYING), "{}")
    watch.look(5)
    assert watch.not_ready() == {DYING: 1000.0}
    dying.start()
    watch.look(5)
    assert watch.not_ready() == {}


def test_machines_that_answer_cost_neither_a_write_nor_a_new_connection(
    watch: Watch, machines: LoopbackSshd, dying: LoopbackSshd
) -> None:
    watch.look()
    revision, connections = watch.registry.store._prefix("")[1], machines.connections()
    for _ in range(20):
        assert watch.look(15) == {}
    assert watch.registry.store._prefix("")[1] == revision
    assert (machines.connections(), connections, dying.connections()) == (5, 5, 1)


def test_where_most_are_silent_nobody_is_given_up_and_the_channel_hears_of_it_once(
    watch: Watch, machines: LoopbackSshd
) -> None:
    watch.look()
    machines.stop()
    watch.await_silence(*NODES)
    for _ in range(5):
        assert watch.look(60) == watch.not_ready() == {}
    (said,) = watch.said()
    assert re.fullmatch(r":warning: [3-6] of 6 machines do not answer at once, so it is the network, .*", said)
    assert watch.woken == 0


def test_another_controller_counts_anew_and_takes_back_what_the_first_gave_up(
    watch: Watch, registry: Registry, ssh: Ssh, dying: LoopbackSshd
) -> None:
    dying.stop()
    watch.look()
    other = Watch(registry, ssh)
    assert other.look(119) == other.look(2) == {}
    assert other.look(118) == {DYING: 1119.0}
    third = Watch(registry, ssh)
    assert third.look(500) == third.look(30) == third.not_ready() == {DYING: 1119.0}
    dying.start()
    assert Watch(registry, ssh).look(500) == {}


def test_a_machine_with_another_host_key_does_not_answer_as_itself(
    watch: Watch, registry: Registry, dying: LoopbackSshd, tmp_path: Path
) -> None:
    registry.put_host(dying.record(DYING, make_key(tmp_path / "other"), ip="127.0.0.14"))
    watch.look()
    assert watch.look(120) == {DYING: 1000.0}


def test_an_etcd_that_does_not_answer_says_nothing_of_the_machines(
    watch: Watch, registry: Registry, dying: LoopbackSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying.stop()
    watch.look()

    def silent(_: str) -> HostRecord | None:
        raise Unreadable("etcd does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(watch._liveness, "_answers", silent)
        assert watch.look(60) == {}
    # What happened meanwhile is not known: the count begins anew.
    assert watch.look(60) == watch.look(119) == {}
    assert watch.look(1) == {DYING: 1120.0}


def test_a_controller_that_no_longer_leads_gives_nobody_up(
    store: Store, registry: Registry, ssh: Ssh, dying: LoopbackSshd
) -> None:
    store.put(keys.LEADER, "another")
    stale = Watch(Registry(store.fenced(Fence(keys.LEADER, 1))), ssh)
    dying.stop()
    stale.look()
    with pytest.raises(Fenced):
        stale.look(120)
    assert registry.dead() == {}


def is_heard(client: socket.socket) -> bool:
    """Whether what is sent is acknowledged at once."""
    client.sendall(b"x")
    return acknowledged_within(client, 0.1)


def test_a_connection_counts_while_its_other_end_acknowledges() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert acknowledged_within(client, 60.0)
        time.sleep(0.2)
        assert not acknowledged_within(client, 0.1)
        # A busy machine may stop this process in between, but not each time.
        assert any(is_heard(client) for _ in range(100))
    assert not acknowledged_within(client, 60.0)
    assert not acknowledged_within(None, 60.0)
