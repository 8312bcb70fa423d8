"""The end of `flstr serve`: in order when it is told to, at once when another controller has taken over."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cli import cluster_repo, serve
from cli.etcd import ENDPOINT_FILE
from cli.own_keys import IDENTITY_FILE
from gitops.presence import present
from gitops.secrets import read_identities
from gitops.store import Store
from model.errors import Fenced, Refused
from model.registered import ControllerRecord
from tests.cli.shell import Flstr


def overtaken() -> None:
    raise Fenced("another controller leads")


def test_a_controller_that_is_overtaken_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    serve._until_fenced(overtaken, threading.Event())()
    assert ended == [serve.LOST]


def test_one_that_was_told_to_stop_ends_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    stopping = threading.Event()
    stopping.set()
    serve._until_fenced(overtaken, stopping)()
    assert ended == []


def test_the_first_start_makes_the_key_of_the_cluster_and_gives_its_public_half_out(
    flstr: Flstr, tmp_path: Path
) -> None:
    state, repo = tmp_path / "state", tmp_path / "cluster"
    cluster_repo.init(repo)
    told = {"FLSTR_STATE": str(state), "FLSTR_CLUSTER_REPO": f"file://{repo}", "HCLOUD_TOKEN": "token"}
    environment = {"PATH": os.environ["PATH"], "HCLOUD_ENDPOINT": "http://127.0.0.1:1/v1", **told}
    command = [sys.executable, "-m", "cli", "serve"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) as serving:
        try:
            deadline = time.monotonic() + 60
            while (
                found := flstr("secret", "recipient", FLSTR_STATE=str(state))
            ).status and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            serving.send_signal(signal.SIGTERM)
        _, said = serving.communicate(timeout=60)
    assert serving.returncode == 0
    assert found.out == f"{read_identities(state / IDENTITY_FILE).recipient}\n"
    assert (state / IDENTITY_FILE).stat().st_mode & 0o777 == 0o600
    assert (state / IDENTITY_FILE).read_text().strip() not in said


def test_a_controller_is_known_by_its_node(tmp_path: Path) -> None:
    state, repo = tmp_path / "state", tmp_path / "cluster"
    cluster_repo.init(repo)
    told = {"FLSTR_STATE": str(state), "FLSTR_CLUSTER_REPO": f"file://{repo}", "FLSTR_NODE": "controller001"}
    environment = {"PATH": os.environ["PATH"], "HCLOUD_ENDPOINT": "http://127.0.0.1:1/v1", "HCLOUD_TOKEN": "t", **told}
    command = [sys.executable, "-m", "cli", "serve"]
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen(command, cwd=Path(__file__).parents[2], env=environment, stderr=log) as serving:
        try:
            deadline = time.monotonic() + 60
            running: tuple[ControllerRecord, ...] = ()
            leader = ""
            while not (running and leader) and time.monotonic() < deadline:
                time.sleep(0.1)
                with contextlib.suppress(OSError, Refused):
                    store = Store([(state / ENDPOINT_FILE).read_text().strip()])
                    running, leader = present(store)
                    store.close()
        finally:
            serving.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                serving.wait(timeout=60)
            serving.kill()
    assert ([record.node for record in running], leader) == (["controller001"], "controller001"), (
        tmp_path / "log"
    ).read_text()
    assert serving.returncode == 0, (tmp_path / "log").read_text()
