"""Who may do what is told to a real etcd, which refuses each question and order at first, as between two leaders."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from executors.control.member_files import users_script
from executors.control.users import forget_node_user_commands, founding_commands, node_user_commands
from executors.script import wrapped
from gitops.etcd_server import EmbeddedEtcd
from gitops.executor import HostFence
from tests.in_memory import folder_in_memory

# Without the certificates of a controller's own member, and refused when it is asked something for the first time.
ETCDCTL = """
pause() { sleep 0.05; }
etcdctl() {
    local words=() word asked
    for word in "$@"; do
        case $word in --endpoints=* | --cacert=* | --cert=* | --key=*) ;; *) words+=("$word") ;; esac
    done
    asked=$ASKED/$(md5sum <<<"${words[*]}" | cut -c1-32)
    if [[ ${words[*]} == *' endpoint health' ]] || [ -e "$asked" ]; then
        command etcdctl --endpoints="$ENDPOINT" "${words[@]}"
    else
        touch "$asked"
        echo "Error: rpc error: code = Unknown desc = raft proposal dropped" >&2
        return 1
    fi
}
"""
LEASES = "/coreos.com/network/subnets"


class Etcd:
    """A member of its own, and scripts for it."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self._endpoint = endpoint
        self._folder = folder
        self._asked = folder / "asked"

    def run(self, commands: str) -> str:
        """What the script printed as its last word, which is nothing where it has done everything."""
        shutil.rmtree(self._asked, ignore_errors=True)
        self._asked.mkdir()
        text = wrapped(ETCDCTL + users_script(commands), HostFence(1), str(self._folder / "state"))
        environment = {**os.environ, "ENDPOINT": self._endpoint, "ASKED": str(self._asked)}
        done = subprocess.run(["bash", "-s"], input=text, env=environment, capture_output=True, text=True, check=False)
        assert bool(done.returncode) == bool(done.stderr)
        return done.stdout + done.stderr

    def says(self, *words: str) -> list[str]:
        done = subprocess.run(
            ["etcdctl", f"--endpoints={self._endpoint}", *words], capture_output=True, text=True, check=True
        )
        return done.stdout.split()


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Etcd]:
    with folder_in_memory() as folder:
        member = EmbeddedEtcd(Path(folder))
        yield Etcd(member.start(), tmp_path)
        member.stop()


def test_a_machine_has_a_user_for_as_long_as_it_is_enrolled(etcd: Etcd) -> None:
    assert not etcd.run(node_user_commands("worker101", flanneld=True))
    assert LEASES in " ".join(etcd.says("role", "get", "node-worker101"))
    for _ in range(2):
        assert not etcd.run(node_user_commands("worker101"))
        assert etcd.says("user", "get", "worker101") == ["User:", "worker101", "Roles:", "node-worker101"]
        may = " ".join(etcd.says("role", "get", "node-worker101"))
        assert "flstr/alive/worker101" in may
        assert LEASES not in may
    for _ in range(2):
        assert not etcd.run(forget_node_user_commands("worker101"))
        assert etcd.says("user", "list") == etcd.says("role", "list") == []


def test_the_controllers_are_let_in_by_certificate_alone(etcd: Etcd) -> None:
    assert not etcd.run(founding_commands().replace("again etcd auth enable", ""))
    assert etcd.says("user", "list") == ["flstr", "root"]
    assert etcd.says("user", "get", "flstr") == ["User:", "flstr", "Roles:", "root"]


def test_what_etcd_refuses_for_good_is_said(etcd: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executors.control.member_files.AGAIN_SECONDS", 1)
    said = etcd.run("again etcd user grant-role nobody node-nobody")
    assert said == "etcd refuses: etcdserver: user name not found\n"
