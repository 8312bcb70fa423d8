"""Fixtures of the tests of services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops.store import Store
from tests.executors.services.field import ADDRESSES, Field
from tests.executors.sshd import LoopbackSshd


@pytest.fixture
def field(store: Store, tmp_path: Path) -> Iterator[Field]:
    """Machines that Ansible reaches."""
    if not Path("/usr/sbin/sshd").exists():
        pytest.skip("needs Debian's openssh-server")
    sshd = LoopbackSshd(tmp_path / "sshd", tuple(ADDRESSES.values()))
    sshd.start()
    field = Field(sshd, store, tmp_path)
    yield field
    field.ssh.close()
    sshd.stop()
