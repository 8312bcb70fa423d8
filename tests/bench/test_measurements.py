"""The measurements run, each once, on the real servers they start; what they print is for people to read."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import command, following, poll, pure, scripts, slack, storm
from bench.counting import CountingClient, git_calls
from bench.deploys import by_script
from bench.deploys import measure as deploys
from bench.deploys.by_script import ByScript
from bench.deploys.hosts import running
from bench.routing import measure as routing
from gitops.repository import ClusterRepo
from gitops.store import Store
from tests.gitops.remote import Remote

needs_sshd = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists(), reason="needs root and openssh-server"
)


def test_reads_and_writes_are_counted_apart(etcd_endpoint: str) -> None:
    client = CountingClient(etcd_endpoint)
    store = Store([etcd_endpoint], client=client)
    store.put("a", "1")
    store.delete("a")
    store.get("a")
    store.prefix("a")
    store.prefixes(["a", "b"])
    store.close()
    assert client.calls == {"writes": 2, "reads": 3}


def test_calls_of_git_are_counted_by_their_subcommand(tmp_path: Path) -> None:
    remote = Remote(tmp_path)
    remote.push({"cluster.yaml": ""})
    repo = ClusterRepo(remote.url, tmp_path / "clone.git")
    with git_calls() as called:
        repo.head()
    repo.head()
    assert called == ["ls-remote"]


def test_a_poll_is_measured_with_what_it_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "RUNS", 1)
    monkeypatch.setattr(poll, "PAST", (1, 3))
    [group] = poll.measure(tmp_path)
    assert [figure.kind for figure in group.figures] == ["flstr", "flstr", "floor"]
    assert all("0 writes; git ls-remote" in figure.note for figure in group.figures[:2])


def test_what_is_worked_out_alone_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pure, "RUNS", 1)
    monkeypatch.setattr(pure, "SIZES", (5,))
    notes = {figure.name: figure.note for group in pure.measure() for figure in group.figures}
    assert notes["5 machines, unchanged"] == "0 steps"
    assert notes["5 machines, from nothing"] != "0 steps"
    assert notes["mesh and firewall files and scripts of all"].startswith("50 scripts")


def test_the_command_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "RUNS", 1)
    [group] = command.measure()
    assert len(group.figures) == 4


def test_following_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "CHANGES", 5)
    [group] = following.measure(tmp_path)
    assert [len(figure.seconds) for figure in group.figures] == [5, 5]


def test_slack_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack, "COMMANDS", 3)
    [group] = slack.measure(tmp_path)
    assert [len(figure.seconds) for figure in group.figures] == [3, 3]


def test_a_storm_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storm, "OPERATIONS", 2)
    monkeypatch.setattr(storm, "STEP_SECONDS", (0.0, 0.02))
    [group] = storm.measure(tmp_path)
    assert [figure.kind for figure in group.figures] == ["flstr", "flstr", "floor"]
    assert len(group.figures[1].seconds) == 2 * (storm.STEPS + 1)
    assert "0 refused by limits" in group.figures[0].note


@needs_sshd
def test_scripts_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "RUNS", 1)
    monkeypatch.setattr(scripts, "SIDE_BY_SIDE_RUNS", 1)
    monkeypatch.setattr(scripts, "SIZES", (3,))
    one, three = scripts.measure(tmp_path)
    assert [len(figure.seconds) for figure in (*one.figures, *three.figures)] == [1] * 10


@needs_sshd
def test_deploys_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploys, "RUNS", 2)
    monkeypatch.setattr(deploys, "SIZES", (2,))
    [group] = deploys.measure(tmp_path)
    assert [figure.kind for figure in group.figures][:4] == ["flstr", "flstr", "floor", "peer"]
    assert all(len(figure.seconds) == 2 for figure in group.figures[:4])
    _await_nothing_of(tmp_path)


@pytest.mark.hosts
def test_routing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in {"MACHINES": 2, "WARM_UP": 1, "CHANGES": 3, "SCRIPT_RUNS": 2}.items():
        monkeypatch.setattr(routing, name, few)
    [group] = routing.measure(tmp_path)
    runs = [len(figure.seconds) for figure in group.figures]
    assert runs == [6, 3, 6, 3, 2, 3, 3, 3, 3, 3, 2, 2]
    assert [figure.kind for figure in group.figures[6:8]] == ["floor", "floor"]


@needs_sshd
def test_a_host_that_serves_another_commit_is_no_figure(tmp_path: Path) -> None:
    with running(tmp_path / "hosts", 1) as hosts:
        script = ByScript(hosts, tmp_path)
        script.deploy(hosts.repo.commit())
        newer = hosts.repo.commit()
        with pytest.raises(RuntimeError, match=f"serves version 1, not that of {newer[:8]}"):
            hosts.see_serving(by_script.PORT, newer)


def test_an_unknown_measurement_is_one_sentence() -> None:
    command_line = [sys.executable, "-m", "bench", "--only", "sloth"]
    done = subprocess.run(command_line, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "there is no sloth" in " ".join(done.stderr.split())


def _await_nothing_of(folder: Path) -> None:
    """What was told to end takes a moment."""
    deadline = time.monotonic() + 10
    while left := _left_of(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _left_of(folder: Path) -> list[str]:
    """Command lines that name a folder, and mounts below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.append((process / "cmdline").read_text().replace("\0", " "))
    found += Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in found if str(folder) in line]
