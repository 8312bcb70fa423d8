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

from cli import cluster_repo, leading
from cli.own_keys import IDENTITY_FILE
from cli.serve import controllers_of
from cli.settings import Settings
from executors.control.access import Access, KnownController
from gitops.presence import present
from gitops.secrets import read_identities
from gitops.store import Store
from model.errors import Fenced
from model.registered import ControllerRecord
from tests.bot.room import eventually
from tests.cli.shell import Flstr, refused

ROOT = Path(__file__).parents[2]


def test_a_controller_knows_how_many_there_are_by_the_members_of_etcd_that_it_is_told_of() -> None:
    endpoints = tuple(f"https://10.110.0.{number}:2379" for number in range(1, 6))
    assert controllers_of(Settings(node="controller101", etcd_endpoints=endpoints)) == 5
    # Somebody's own etcd, with one flstr beside it.
    assert controllers_of(Settings(etcd_endpoints=endpoints)) == 1
    assert controllers_of(Settings()) == 1


def overtaken() -> None:
    raise Fenced("another controller leads")


def test_a_controller_that_is_overtaken_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    leading._until_fenced(overtaken, threading.Event())()
    assert ended == [leading.LOST]


def test_one_that_was_told_to_stop_ends_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    stopping = threading.Event()
    stopping.set()
    leading._until_fenced(overtaken, stopping)()
    assert ended == []


def test_the_first_start_makes_the_key_of_the_cluster_and_gives_its_public_half_out(
    flstr: Flstr, tmp_path: Path
) -> None:
    state, repo = tmp_path / "state", tmp_path / "cluster"
    cluster_repo.init(repo)
    told = {"FLSTR_STATE": str(state), "FLSTR_CLUSTER_REPO": f"file://{repo}", "HCLOUD_TOKEN": "token"}
    environment = {"PATH": os.environ["PATH"], "HCLOUD_ENDPOINT": "http://127.0.0.1:1/v1", **told}
    command = [sys.executable, "-m", "cli", "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as serving:
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


def test_a_laptop_that_has_handed_over_leads_nobody_any_more(flstr: Flstr, tmp_path: Path) -> None:
    """Its etcd knows what was before, and two would both rent and give back."""
    known = KnownController(node="controller001", ip="192.0.2.1", host_key="ssh-ed25519 key", address="10.110.0.1")
    Access(tmp_path / "control").remember([known])
    told = {"FLSTR_STATE": str(tmp_path), "FLSTR_CLUSTER_REPO": "file:///nowhere", "HCLOUD_TOKEN": "token"}
    sentence = refused(flstr("serve", **told), 1)
    assert sentence.startswith(f"{tmp_path} has handed the cluster over, and controller001 carry it")
    assert not (tmp_path / "etcd").exists()


def test_it_ends_also_where_its_etcd_does_not_answer(tmp_path: Path) -> None:
    """Each call waits its time, and etcd takes no notice of being told to end."""
    state, repo = tmp_path / "state", tmp_path / "cluster"
    cluster_repo.init(repo)
    told = {"FLSTR_STATE": str(state), "FLSTR_CLUSTER_REPO": f"file://{repo}"}
    environment = {"PATH": os.environ["PATH"], "HCLOUD_ENDPOINT": "http://127.0.0.1:1/v1", "HCLOUD_TOKEN": "t", **told}
    hasty = (
        "import cli.serve, cli.stopping; from functools import partial; from cli.main import main;"
        "cli.serve.stopped_by_signals = partial(cli.stopping.stopped_by_signals, 1.0); main()"
    )
    command = [sys.executable, "-c", hasty, "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stderr is not None
            for line in serving.stderr:
                if " serving " in line:
                    break
            etcd = child_of(serving.pid)
            os.kill(etcd, signal.SIGSTOP)
            serving.send_signal(signal.SIGTERM)
            said = serving.stderr.read()
            assert serving.wait(60) == 1
        finally:
            serving.kill()
    assert "most recent call first" in said
    eventually(lambda: not is_alive(etcd))


def child_of(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def is_alive(pid: int) -> bool:
    """One that nobody waits for is dead all the same."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def controller(tmp_path: Path, etcd: str) -> dict[str, str]:
    """The environment of one, as far as it has been told where etcd is."""
    repo = tmp_path / "cluster"
    cluster_repo.init(repo)
    cloud = {"HCLOUD_ENDPOINT": "http://127.0.0.1:1/v1", "HCLOUD_TOKEN": "t"}
    told = {"FLSTR_STATE": str(tmp_path / "state"), "FLSTR_CLUSTER_REPO": f"file://{repo}"}
    known = {"FLSTR_NODE": "controller001", "FLSTR_ETCD_ENDPOINTS": etcd}
    return {"PATH": os.environ["PATH"], **cloud, **told, **known}


def test_a_controller_is_known_by_its_node(tmp_path: Path, store: Store, etcd_endpoint: str) -> None:
    environment = controller(tmp_path, etcd_endpoint)
    command = [sys.executable, "-m", "cli", "serve"]
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log) as serving:
        try:
            deadline = time.monotonic() + 60
            running: tuple[ControllerRecord, ...] = ()
            leader = ""
            while not (running and leader) and time.monotonic() < deadline:
                time.sleep(0.1)
                running, leader = present(store)
        finally:
            serving.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                serving.wait(timeout=60)
            serving.kill()
    assert ([record.node for record in running], leader) == (["controller001"], "controller001"), (
        tmp_path / "log"
    ).read_text()
    assert serving.returncode == 0, (tmp_path / "log").read_text()


def test_a_controller_that_is_told_of_no_etcd_yet_has_none_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli", "serve"]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        env=controller(tmp_path, ""),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "controller001 is told of no etcd yet: set FLSTR_ETCD_ENDPOINTS" in done.stderr
    assert not (tmp_path / "state").exists()
