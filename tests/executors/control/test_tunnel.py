"""A tunnel carries what is said both ways, to its end, through a real sshd on loopback."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from executors.control.access import Access, KnownController, TunnelledStore, reach
from executors.control.tunnel import Tunnel
from executors.ssh import Ssh
from gitops.store import CALL_SECONDS, EtcdTls, Store
from model import keys
from model.errors import EtcdSilent, Refused, StepFailed, Unreadable
from model.registered import EtcdMember, HostRecord
from tests.executors.sshd import LoopbackSshd, make_key
from tests.gitops.etcd_cluster import etcd_cluster

NODE = "controller101"
MUCH = bytes(range(256)) * 8192


@pytest.fixture
def ssh(sshd: LoopbackSshd) -> Iterator[Ssh]:
    records = {NODE: sshd.record(NODE)}
    with closing(Ssh(records.get, sshd.client_key, port=sshd.port)) as ssh:
        yield ssh


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says everything back, once it has heard all of it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            with near:
                heard = b"".join(iter(partial(near.recv, 65536), b""))
                near.sendall(heard)

    thread = threading.Thread(target=serve)
    thread.start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def say(port: int, what: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as near:
        near.sendall(what)
        near.shutdown(socket.SHUT_WR)
        return b"".join(iter(partial(near.recv, 65536), b""))


def test_all_of_it_comes_back(ssh: Ssh, echo: int) -> None:
    with Tunnel(partial(ssh.forward, NODE, "127.0.0.1", echo)) as tunnel:
        assert say(tunnel.port, MUCH) == MUCH
        assert say(tunnel.port, b"again") == b"again"


def test_where_nothing_listens_it_ends_at_once_and_says_so(ssh: Ssh) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = int(probe.getsockname()[1])
    with Tunnel(partial(ssh.forward, NODE, "127.0.0.1", closed)) as tunnel:
        assert say(tunnel.port, b"") == b""
    with pytest.raises(StepFailed, match=f"controller101: nothing answers it at 127.0.0.1 port {closed}"):
        ssh.forward(NODE, "127.0.0.1", closed)


def test_what_is_asked_while_the_members_choose_a_leader_is_asked_again(ssh: Ssh, tmp_path: Path) -> None:
    with etcd_cluster(tmp_path / "etcd", tls=True) as cluster:
        leader, tls = cluster.leader(), cluster.tls("flstr")
        asked = next(member for member in cluster.members if member is not leader)
        port = int(asked.endpoint.rpartition(":")[2])
        assert tls is not None
        with closing(TunnelledStore(Tunnel(partial(ssh.forward, NODE, "127.0.0.1", port)), tls)) as store:
            store.put("known", "before")
            leader.kill()
            assert answer(store, time.monotonic() + CALL_SECONDS) == "before"
            assert store.swap("known", "before", "after")
            assert store.get("known") == "after"


def answer(store: Store, until: float) -> str | None:
    """What etcd answers, which is not given up before then; on a busy machine it may be long in choosing a leader."""
    while True:
        try:
            return store.get("known")
        except EtcdSilent:
            assert time.monotonic() >= until


def test_a_controller_with_another_host_key_is_not_asked(sshd: LoopbackSshd, tmp_path: Path) -> None:
    stranger = KnownController(node=NODE, ip="127.0.0.1", host_key=make_key(tmp_path / "other"), address="127.0.0.1")
    ssh = Ssh({NODE: stranger.host()}.get, sshd.client_key, port=sshd.port)
    nowhere = EtcdTls(tmp_path / "ca", tmp_path / "certificate", tmp_path / "key")
    with closing(ssh), pytest.raises(Unreadable, match="an SSH host key that is not the registered one"):
        reach(ssh, [stranger], nowhere)


def test_what_a_laptop_knows_is_for_its_user_alone_and_read_again(tmp_path: Path) -> None:
    access = Access(tmp_path / "control")
    assert access.controllers() == ()
    known = KnownController(node=NODE, ip="192.0.2.1", host_key="ssh-ed25519 AAAA", address="10.110.0.1")
    access.remember([known])
    assert Access(tmp_path / "control").controllers() == (known,)
    assert (tmp_path / "control" / "controllers.json").stat().st_mode & 0o077 == 0
    (tmp_path / "control" / "controllers.json").write_text("[")
    with pytest.raises(Refused, match=r"controllers.json cannot be read"):
        access.controllers()


def test_it_learns_of_those_that_come_and_forgets_none_for_an_etcd_that_is_empty(tmp_path: Path, store: Store) -> None:
    access = Access(tmp_path / "control")
    known = KnownController(node=NODE, ip="192.0.2.1", host_key="ssh-ed25519 AAAA", address="10.110.0.1")
    access.remember([known])
    assert access.learn(store) == access.controllers() == (known,)
    other = known.model_copy(update={"node": "controller102", "ip": "192.0.2.2", "address": "10.110.0.2"})
    member = EtcdMember(node=other.node, address=other.address, member_id="a")
    record = HostRecord(node=other.node, ip=other.ip, host_key=other.host_key)
    store.write({keys.etcd_member(other.node): member.to_json(), keys.host(other.node): record.to_json()})
    assert access.learn(store) == access.controllers() == (other,)
