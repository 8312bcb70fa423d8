"""One sentence when the lab cannot run, and which one."""

import os
import shutil
import sys

import pytest

from lab.preconditions import why_no_lab


def test_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    reason = why_no_lab()
    assert reason is not None
    assert reason.startswith("The lab needs Linux")


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    reason = why_no_lab()
    assert reason is not None
    assert reason.startswith("The lab needs root")


def test_missing_packages_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"git": "/usr/bin/git"}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", installed.get)
    reason = why_no_lab()
    assert reason is not None
    assert "`apt-get install iproute2 mmdebstrap systemd-container util-linux`" in reason
