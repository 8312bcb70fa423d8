"""An etcd of flstr's own ends when it is told to, whatever keeps it."""

import os
import signal
from pathlib import Path

import pytest

from gitops import etcd_server
from gitops.etcd_server import EmbeddedEtcd


def test_one_that_takes_no_notice_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etcd_server, "STOP_SECONDS", 0.1)
    etcd = EmbeddedEtcd(tmp_path)
    etcd.start()
    process = etcd._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    etcd.stop()
    assert process.returncode == -signal.SIGKILL
