"""Fixtures of the executors' tests."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from executors import cloud as cloud_module
from executors import cloud_settling
from executors.ssh import Ssh
from tests.executors.sshd import NODE, LoopbackSshd
from tests.lab.cloud.running_cloud import RunningCloud


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningCloud]:
    """The lab's cloud, which is asked again at once."""
    monkeypatch.setattr(cloud_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(cloud_settling, "AGAIN_SECONDS", 0.01)
    cloud = RunningCloud()
    yield cloud
    cloud.stop()


@pytest.fixture
def sshd_options() -> Sequence[str]:
    """What a test has sshd do otherwise, as lines of its configuration."""
    return ()


@pytest.fixture
def sshd(tmp_path: Path, sshd_options: Sequence[str]) -> Iterator[LoopbackSshd]:
    """A running sshd on loopback."""
    if os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists():
        pytest.skip("needs root and Debian's openssh-server")
    sshd = LoopbackSshd(tmp_path / "sshd", options=sshd_options)
    sshd.start()
    yield sshd
    sshd.stop()


@pytest.fixture
def ssh(sshd: LoopbackSshd, tmp_path: Path) -> Iterator[Ssh]:
    """flstr's way to it."""
    records = {NODE: sshd.record(NODE)}
    ssh = Ssh(records.get, sshd.client_key, port=sshd.port, state_folder=str(tmp_path / "state"))
    yield ssh
    ssh.close()
