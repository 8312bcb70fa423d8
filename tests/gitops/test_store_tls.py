"""etcd with mutual TLS: a client is the user that its certificate names, and may do what its role says."""

import subprocess
from collections.abc import Iterator

import pytest

from gitops.etcd_client import EtcdTls
from gitops.store import Store
from model.errors import Refused, Unreadable
from tests.gitops.etcd_cluster import EtcdCluster, etcd_cluster
from tests.gitops.etcd_tls import EtcdAuthority


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    """Three members with users: root, flstr with root's role, and a machine that may write one key."""
    with etcd_cluster(tmp_path_factory.mktemp("etcd"), tls=True) as cluster:
        for words in (
            "user add root --no-password",
            "user add flstr --no-password",
            "user add worker101 --no-password",
            "role add root",
            "role add node-worker101",
            "role grant-permission node-worker101 readwrite flstr/alive/worker101",
            "user grant-role root root",
            "user grant-role flstr root",
            "user grant-role worker101 node-worker101",
            "auth enable",
        ):
            etcdctl(cluster, words)
        yield cluster


def etcdctl(cluster: EtcdCluster, words: str) -> None:
    files = cluster.tls("root")
    assert files is not None
    places = ("--cacert", str(files.ca), "--cert", str(files.certificate), "--key", str(files.key))
    options = ("--endpoints", cluster.endpoints[0], "--command-timeout", "60s")
    command = ["etcdctl", *places, *options, *words.split()]
    subprocess.run(command, env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"}, check=True, capture_output=True)


def test_flstr_reads_writes_leads_and_watches(cluster: EtcdCluster) -> None:
    store = cluster.store()
    store.put("a/1", "x")
    assert store.put_leased("flstr/leader", "controller001", store.lease(10))
    assert store.prefix("a/") == {"a/1": "x"}
    assert {member.name for member in store.members()} == {"controller001", "controller002", "controller003"}
    store.close()


def test_flstr_goes_on_where_a_member_is_killed(cluster: EtcdCluster) -> None:
    store = cluster.store()
    store.put("a/2", "x")
    cluster.members[0].kill()
    try:
        # An election may take longer than a call does.
        cluster.await_all(but=cluster.members[0])
        assert store.swap("a/2", "x", "y")
        assert store.get("a/2") == "y"
    finally:
        cluster.members[0].start()
        store.close()


def test_a_machine_writes_its_own_key_and_no_other(cluster: EtcdCluster) -> None:
    store = Store([cluster.endpoints[1]], tls=cluster.tls("worker101"))
    store.put("flstr/alive/worker101", "yes")
    with pytest.raises(Unreadable):
        store.put("flstr/alive/worker102", "yes")
    with pytest.raises(Unreadable):
        store.get("flstr/authority")
    store.close()


def test_who_shows_no_certificate_of_the_authority_is_not_let_in(
    cluster: EtcdCluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert cluster.authority is not None
    strange = EtcdAuthority(tmp_path_factory.mktemp("strange")).client("root")
    ours = cluster.authority.client("root")
    for files in (EtcdTls(ours.ca, strange.certificate, strange.key), strange):
        store = Store([cluster.endpoints[1]], tls=files)
        with pytest.raises(Refused, match="does not answer"):
            store.get("flstr/authority")
        store.close()
