"""A file comes to a machine whole or not at all, and only where it is not there, against a real sshd on loopback."""

from pathlib import Path

import pytest

from executors.ssh import Ssh
from gitops.executor import HostFence
from model.errors import Fenced, StepFailed
from tests.executors.sshd import NODE

CONTENT = bytes(range(256)) * 4096 * 20  # 20 MiB, with every byte that there is


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "archive.tar.gz"
    file.write_bytes(CONTENT)
    return file


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "over there" / "it's here.tar.gz"


def test_it_arrives_as_it_was_sent_for_root_alone(ssh: Ssh, file: Path, there: Path) -> None:
    heard: list[str] = []
    ssh.upload(NODE, file, str(there), HostFence(1), on_line=heard.append)
    assert there.read_bytes() == CONTENT
    assert there.stat().st_mode & 0o777 == 0o600
    assert heard == ["sent 8 of 20 MiB", "sent 16 of 20 MiB"]


def test_nothing_is_sent_where_it_is_there_already(ssh: Ssh, file: Path, there: Path) -> None:
    ssh.upload(NODE, file, str(there), HostFence(1))
    inode = there.stat().st_ino
    heard: list[str] = []
    ssh.upload(NODE, file, str(there), HostFence(1), on_line=heard.append)
    assert heard == []
    assert there.stat().st_ino == inode


def test_what_is_there_and_differs_is_replaced_and_what_was_cut_short_removed(
    ssh: Ssh, file: Path, there: Path
) -> None:
    there.parent.mkdir()
    there.write_text("another one")
    (there.parent / f".{there.name}.4711").write_text("half of")
    ssh.upload(NODE, file, str(there), HostFence(1))
    assert there.read_bytes() == CONTENT
    assert [path.name for path in there.parent.iterdir()] == [there.name]


def test_an_empty_file_arrives(ssh: Ssh, file: Path, there: Path) -> None:
    file.write_bytes(b"")
    ssh.upload(NODE, file, str(there), HostFence(1))
    assert there.read_bytes() == b""


def test_whoever_was_overtaken_sends_nothing(ssh: Ssh, file: Path, there: Path) -> None:
    ssh.run(NODE, "true", HostFence(2))
    with pytest.raises(Fenced):
        ssh.upload(NODE, file, str(there), HostFence(1))
    assert not there.exists()


def test_a_machine_that_cannot_keep_it_says_why(ssh: Ssh, file: Path, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    with pytest.raises(StepFailed, match=r"worker101: .*a-file"):
        ssh.upload(NODE, file, f"{tmp_path}/a-file/archive.tar.gz", HostFence(1))
