"""A snapshot of a real etcd becomes another one, whether its users had to say who they are or not."""

import os
import subprocess
from pathlib import Path

import pytest

from gitops.backups.unpacking import unpack
from gitops.etcd_server import EmbeddedEtcd
from gitops.store import Store
from model.errors import Refused


def etcdctl(endpoint: str, *words: str) -> None:
    environment = {**os.environ, "ETCDCTL_API": "3"}
    command = ["etcdctl", "--endpoints", endpoint, "--command-timeout", "60s", *words]
    subprocess.run(command, env=environment, check=True, capture_output=True)


@pytest.mark.parametrize("with_users", [False, True])
def test_it_holds_what_the_other_one_held_and_takes_more(tmp_path: Path, with_users: bool) -> None:
    first, snapshot = EmbeddedEtcd(tmp_path / "first"), tmp_path / "snapshot.db"
    endpoint = first.start()
    store = Store([endpoint])
    store.write_many({f"key/{number}": "a value" for number in range(300)})
    if with_users:
        etcdctl(endpoint, "user", "add", "root:secret")
        etcdctl(endpoint, "user", "grant-role", "root", "root")
        etcdctl(endpoint, "auth", "enable")
        etcdctl(endpoint, "--user", "root:secret", "snapshot", "save", str(snapshot))
    else:
        store.snapshot(snapshot)
    store.close()
    first.stop()
    unpack(snapshot, tmp_path / "second")
    for expected in ("a value", "another"):
        second = EmbeddedEtcd(tmp_path / "second")
        store = Store([second.start()])
        assert len(store.prefix("key/")) == 300
        assert store.get("key/7") == expected
        store.put("key/7", "another")
        store.close()
        second.stop()


def test_what_is_no_snapshot_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "snapshot.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Refused, match="the snapshot cannot be restored"):
        unpack(tmp_path / "snapshot.db", tmp_path / "etcd")
