"""Fixtures of the executors' tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executors.sshd import LoopbackSshd


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[LoopbackSshd]:
    """A running sshd on loopback."""
    if os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists():
        pytest.skip("needs root and Debian's openssh-server")
    sshd = LoopbackSshd(tmp_path / "sshd")
    sshd.start()
    yield sshd
    sshd.stop()
