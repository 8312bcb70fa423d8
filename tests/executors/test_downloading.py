"""A file comes from a machine whole or not at all, against a real sshd on loopback."""

from pathlib import Path

import pytest

from executors.downloading import Receiving, sending_script
from executors.script import wrapped
from executors.ssh import Ssh
from gitops.executor import HostFence
from model.errors import Fenced, StepFailed
from tests.executors.expected import shellcheck
from tests.executors.sshd import NODE

CONTENT = bytes(range(256)) * 4096 * 20  # 20 MiB, with every byte that there is


@pytest.fixture
def there(tmp_path: Path) -> Path:
    there = tmp_path / "over there" / "it's here.rdb"
    there.parent.mkdir()
    there.write_bytes(CONTENT)
    return there


def test_it_arrives_as_it_is_there(ssh: Ssh, there: Path, tmp_path: Path) -> None:
    heard: list[str] = []
    ssh.download(NODE, str(there), tmp_path / "here", HostFence(1), on_line=heard.append)
    assert (tmp_path / "here").read_bytes() == CONTENT
    assert heard == ["fetched 8 of 20 MiB", "fetched 16 of 20 MiB"]


def test_an_empty_file_arrives(ssh: Ssh, there: Path, tmp_path: Path) -> None:
    there.write_bytes(b"")
    ssh.download(NODE, str(there), tmp_path / "here", HostFence(1))
    assert (tmp_path / "here").read_bytes() == b""


def test_one_that_is_not_there_is_said(ssh: Ssh, there: Path, tmp_path: Path) -> None:
    there.unlink()
    with pytest.raises(StepFailed, match=r"worker101: .*it's here.rdb is not there"):
        ssh.download(NODE, str(there), tmp_path / "here", HostFence(1))


def test_whoever_was_overtaken_fetches_nothing(ssh: Ssh, there: Path, tmp_path: Path) -> None:
    ssh.run(NODE, "true", HostFence(2))
    with pytest.raises(Fenced):
        ssh.download(NODE, str(there), tmp_path / "here", HostFence(1))


@pytest.mark.parametrize("sent", [b"5 abc\nwhole", b"9 \nwhole", b"", b"whatever"])
def test_what_is_not_what_was_sent_does_not_stay(sent: bytes, tmp_path: Path) -> None:
    here, stream = tmp_path / "here", tmp_path / "stream"
    stream.write_bytes(sent)
    receiving = Receiving(NODE, here, lambda _: None)
    with stream.open("rb") as file:
        receiving.take(file)
    with pytest.raises(StepFailed, match="did not arrive as it was sent"):
        receiving.check()
    assert not here.exists()


def test_shellcheck_finds_nothing() -> None:
    shellcheck(wrapped(sending_script("/var/lib/it's here"), HostFence(1)))
