"""Labs side by side, and what is left of one that was killed: nothing."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import cgroup
from lab.cloud.backend import Machine
from lab.errors import LabError
from lab.lab import Lab
from lab.leftovers import living_labs, remove_everything, sweep, take_down
from lab.naming import LabFolders, LabNames
from lab.network import LabNetwork
from tests.lab.ssh import KeyPair, connect, run, user_data
from tests.lab.traces import traces_of

pytestmark = pytest.mark.hosts

LAB_PROCESS = """
import asyncio, sys
from lab.cloud.backend import Machine
from lab.lab import Lab, stopped_by_signals

async def main(name):
    with stopped_by_signals():
        lab = await Lab.up(name)
        try:
            await lab.machines.create(Machine("worker101", str(lab.host_addresses[0]), "#cloud-config"))
            print(lab.network.names.number, flush=True)
            await asyncio.Event().wait()
        finally:
            await lab.down()

asyncio.run(main(sys.argv[1]))
"""


@contextmanager
def lab_process(name: str) -> Iterator[tuple["subprocess.Popen[str]", LabNames]]:
    """Another process that holds a lab with one host."""
    with subprocess.Popen([sys.executable, "-c", LAB_PROCESS, name], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, LabNames(name, int(process.stdout.readline()))
        finally:
            process.kill()


def traces(folders: LabFolders, names: LabNames) -> list[str]:
    return traces_of(names.group, names.number, folders.lab(names.name))


def test_two_labs_run_side_by_side(runner: asyncio.Runner, folders: LabFolders, lab: Lab, lab_name: str) -> None:
    other = runner.run(Lab.up(f"{lab_name}-b", folders))
    try:
        assert lab.network.names.number != other.network.names.number
        host_key, client_key = KeyPair.new(), KeyPair.new()
        machines = {
            each: Machine("worker101", str(each.host_addresses[0]), user_data(host_key, client_key))
            for each in (lab, other)
        }
        for each, machine in machines.items():
            runner.run(each.machines.create(machine))
        for each, machine in machines.items():
            with connect(machine.address, host_key, client_key) as client:
                neighbour = next(theirs.address for lab_of, theirs in machines.items() if lab_of is not each)
                assert run(client, f"ping -c 1 -W 1 {neighbour}")[0] != 0
        runner.run(lab.machines.delete("worker101"))
        connect(machines[other].address, host_key, client_key).close()
    finally:
        runner.run(other.down())
    assert traces(folders, other.network.names) == []
    assert lab_name in living_labs(folders)
    assert other.name not in living_labs(folders)


def test_a_lab_is_not_started_twice(runner: asyncio.Runner, folders: LabFolders, lab: Lab) -> None:
    with pytest.raises(LabError, match=f"Lab {lab.name} is already running: `flstr lab down {lab.name}` stops it"):
        runner.run(Lab.up(lab.name, folders))
    assert lab.folder.is_dir()


def test_a_killed_lab_is_swept_and_a_living_one_is_not(
    runner: asyncio.Runner, folders: LabFolders, lab: Lab, lab_name: str
) -> None:
    with lab_process(f"{lab_name}-k") as (process, names):
        assert names.name not in runner.run(sweep(folders))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert traces(folders, names) != []
        assert names.name in runner.run(sweep(folders))
        assert traces(folders, names) == []
        assert names.name not in runner.run(sweep(folders))
    assert lab.folder.is_dir()


def test_hosts_end_with_the_process_of_their_lab(
    runner: asyncio.Runner, folders: LabFolders, lab: Lab, lab_name: str
) -> None:
    async def until_empty(group: str) -> None:
        while cgroup.processes(group):
            await asyncio.sleep(0.1)

    with lab_process(f"{lab_name}-d") as (process, names):
        assert cgroup.processes(names.group)
        process.kill()
        runner.run(asyncio.wait_for(until_empty(names.group), 30))
    runner.run(sweep(folders))


def test_the_next_lab_of_the_same_name_clears_up_first(
    runner: asyncio.Runner, folders: LabFolders, lab: Lab, lab_name: str
) -> None:
    with lab_process(f"{lab_name}-n") as (process, _):
        process.kill()
    again = runner.run(Lab.up(f"{lab_name}-n", folders))
    assert not (again.folder / "hosts").exists()
    runner.run(again.down())
    assert traces(folders, again.network.names) == []


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_lab_that_is_told_to_stop_takes_everything_down(
    folders: LabFolders, lab: Lab, lab_name: str, told: signal.Signals
) -> None:
    with lab_process(f"{lab_name}-t") as (process, names):
        process.send_signal(told)
        assert process.wait(timeout=30) == 0
    assert traces(folders, names) == []


def test_a_living_lab_of_another_process_is_taken_down(
    runner: asyncio.Runner, folders: LabFolders, lab: Lab, lab_name: str
) -> None:
    with lab_process(f"{lab_name}-o") as (process, names):
        assert runner.run(take_down(folders, names.name))
        assert process.wait(timeout=30) == 0
        assert traces(folders, names) == []
        assert not runner.run(take_down(folders, names.name))


def test_a_host_that_cannot_start_says_why_and_leaves_nothing(
    runner: asyncio.Runner, folders: LabFolders, lab: Lab, tmp_path: Path
) -> None:
    lab.machines.image = tmp_path  # a root file system without an init
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hosts").write_text("")
    address = lab.host_addresses[9]
    with pytest.raises(LabError, match=r"Host worker109 did not start: .+"):
        runner.run(lab.machines.create(Machine("worker109", str(address), "")))
    assert lab.machines.names == []
    assert not (lab.folder / "hosts/worker109").exists()
    assert not Path("/run/netns", lab.network.names.namespace(19)).exists()


def test_an_interrupted_removal_can_be_done_again(
    runner: asyncio.Runner, folders: LabFolders, lab: Lab, lab_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(_: LabNetwork) -> None:
        raise LabError("killed half way")

    with lab_process(f"{lab_name}-i") as (process, names):
        process.kill()
        process.wait()
        with monkeypatch.context() as patched:
            patched.setattr(LabNetwork, "remove", killed)
            with pytest.raises(LabError, match="killed half way"):
                runner.run(remove_everything(folders, names.name))
        assert traces(folders, names) != []
        runner.run(sweep(folders))
    assert traces(folders, names) == []
