"""What happens to machines: killed, stopped, cut off and slowed down, and well again afterwards."""

import asyncio
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cgroup import processes
from lab.cloud.backend import Machine
from lab.errors import LabError
from lab.lab import Lab
from lab.naming import LabFolders
from lab.units import run_inside, unit_processes
from tests.lab.ssh import KeyPair, connect, user_data

pytestmark = pytest.mark.hosts

CLIENT_KEY = KeyPair.new()
HOST_KEYS = {"controller101": KeyPair.new(), "controller102": KeyPair.new(), "worker101": KeyPair.new()}
ETCD = "flstr-etcd.service"

ETCD_UNIT = """cat >/etc/systemd/system/flstr-etcd.service <<'end'
[Service]
Type=notify
User=etcd
ExecStart=/usr/bin/etcd --data-dir /var/lib/etcd/flstr --listen-metrics-urls http://127.0.0.1:2378
Restart=always
RestartSec=100ms
end
systemctl daemon-reload && systemctl restart flstr-etcd"""


@pytest.fixture(scope="module")
def hosts(lab: Lab, runner: asyncio.Runner) -> dict[str, str]:
    """Addresses by name, of hosts that are up."""
    addresses = dict(zip(HOST_KEYS, map(str, lab.host_addresses), strict=False))

    async def create() -> None:
        machines = [Machine(name, at, user_data(HOST_KEYS[name], CLIENT_KEY)) for name, at in addresses.items()]
        await asyncio.gather(*map(lab.machines.create, machines))

    runner.run(create())
    for name, address in addresses.items():
        connect(address, HOST_KEYS[name], CLIENT_KEY).close()
    return addresses


@pytest.fixture
def etcd(lab: Lab, hosts: dict[str, str]) -> Iterator[str]:
    """A controller on which an etcd runs."""
    inside(lab, "controller101", ETCD_UNIT)
    yield "controller101"
    lab.faults.undo()
    inside(lab, "controller101", "systemctl stop flstr-etcd")


def inside(lab: Lab, host: str, command: str) -> str:
    return run_inside(lab.machines.host(host), command)


def hears(lab: Lab, host: str, address: str, port: int = 22) -> bool:
    """Whether a host gets a connection to an address."""
    return inside(lab, host, f"nc -z -w 5 {address} {port} && echo yes || echo no") == "yes\n"


def misses(lab: Lab, host: str, address: str, port: int = 22) -> bool:
    """Whether it gets none, for which silence is not waited for as long."""
    return inside(lab, host, f"nc -z -w 1 {address} {port} && echo yes || echo no") == "no\n"


def main_process(lab: Lab) -> str:
    """As the host itself says it, in its own count."""
    return inside(lab, "controller101", f"systemctl show --value --property=MainPID {ETCD}").strip()


def await_another_process(lab: Lab, before: str) -> None:
    """Wait until etcd serves in another process than before."""
    another = f'[ "$(systemctl show --value --property=MainPID {ETCD})" != {before} ]'
    inside(lab, "controller101", f"until {another} && systemctl is-active --quiet {ETCD}; do sleep 0.05; done")


def put_seconds(lab: Lab) -> float:
    began = time.monotonic()
    inside(lab, "controller101", "etcdctl put key value")
    return time.monotonic() - began


def syncs(lab: Lab) -> tuple[int, float]:
    """How often etcd has synced its log, and how long that took in all, by its own measure."""
    metrics = inside(lab, "controller101", "curl --silent http://127.0.0.1:2378/metrics")
    name = "etcd_disk_wal_fsync_duration_seconds"
    count, total = (re.search(rf"^{name}_{part} (\S+)$", metrics, re.MULTILINE) for part in ("count", "sum"))
    assert count is not None
    assert total is not None
    return int(float(count[1])), float(total[1])


def is_slowed(lab: Lab) -> bool:
    """Whether somebody traces a thread of etcd, which alone is what makes its disk slow."""
    pids = unit_processes(lab.machines.host("controller101"), ETCD)
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").glob("*/status")]
    assert tasks
    return any("\nTracerPid:\t0\n" not in task.read_text() for task in tasks)


def test_a_unit_whose_main_process_is_killed_is_started_again(lab: Lab, etcd: str) -> None:
    before = main_process(lab)
    lab.faults.kill(etcd, ETCD)
    await_another_process(lab, before)
    assert "status=9/KILL" in inside(lab, etcd, f"journalctl --sync; journalctl --unit={ETCD} --boot --output=cat")


def test_all_processes_of_a_unit_are_killed_at_once(lab: Lab, hosts: dict[str, str]) -> None:
    ready = "--unit=many --property=Type=notify --property=NotifyAccess=all"
    script = "sleep 1000 & sleep 1000 & systemd-notify --ready; wait"
    inside(lab, "worker101", f"systemd-run --quiet {ready} sh -c '{script}'")
    host = lab.machines.host("worker101")
    while len(unit_processes(host, "many.service")) != 3:
        time.sleep(0.05)  # whoever said that it is ready may still be there
    main = unit_processes(host, "many.service")[0]
    assert Path(f"/proc/{main}/cmdline").read_bytes().startswith(b"/usr/bin/sh\0")
    lab.faults.kill("worker101", "many.service", whole=True)
    # While it is deactivating, its processes may still be there.
    state = "systemctl show --value --property=ActiveState many"
    inside(lab, "worker101", f"until {state} | grep -qxE 'failed|inactive'; do sleep 0.05; done")
    with pytest.raises(LabError, match="does not run"):
        unit_processes(host, "many.service")


def test_a_stopped_unit_says_nothing_until_it_goes_on(lab: Lab, etcd: str) -> None:
    before = main_process(lab)
    lab.faults.stop(etcd, ETCD)
    assert inside(lab, etcd, "etcdctl --command-timeout=500ms put key value || echo silence") == "silence\n"
    assert hears(lab, etcd, "127.0.0.1", 2379)  # the kernel takes connections for it, as for any process
    lab.faults.resume(etcd, ETCD)
    assert inside(lab, etcd, "etcdctl put key value") == "OK\n"
    assert main_process(lab) == before


def test_a_unit_that_does_not_run_is_named(lab: Lab, hosts: dict[str, str]) -> None:
    with pytest.raises(LabError, match=r"^flstr\.service does not run on worker101\.$"):
        lab.faults.kill("worker101", "flstr.service")


def test_a_host_that_is_cut_off_from_all_others_reaches_what_is_outside(lab: Lab, hosts: dict[str, str]) -> None:
    git = str(lab.network.names.address(2))
    lab.faults.cut_off("controller101")
    assert misses(lab, "controller101", hosts["controller102"])
    assert misses(lab, "worker101", hosts["controller101"])
    assert hears(lab, "worker101", hosts["controller102"])
    assert hears(lab, "controller101", git, 9418)
    assert hears(lab, "controller101", hosts["controller101"])
    connect(hosts["controller101"], HOST_KEYS["controller101"], CLIENT_KEY).close()
    lab.faults.heal("controller101")
    assert hears(lab, "controller101", hosts["controller102"])


def test_a_host_is_cut_off_from_those_that_are_named(lab: Lab, hosts: dict[str, str]) -> None:
    lab.faults.cut_off("controller101", ["controller102"])
    assert misses(lab, "controller101", hosts["controller102"])
    assert misses(lab, "controller102", hosts["controller101"])
    assert hears(lab, "controller101", hosts["worker101"])
    lab.faults.heal("controller101")
    lab.faults.heal("controller101")  # a second time is no error
    assert hears(lab, "controller102", hosts["controller101"])


def test_a_host_is_cut_off_from_what_is_outside_alone(lab: Lab, hosts: dict[str, str]) -> None:
    lab.faults.cut_off("controller101", [], outside=True)
    assert misses(lab, "controller101", str(lab.network.names.address(2)), 9418)
    assert hears(lab, "controller101", hosts["controller102"])
    lab.faults.heal("controller101")
    assert hears(lab, "controller101", str(lab.network.names.address(2)), 9418)


def test_the_firewall_of_the_host_does_not_bring_it_back(lab: Lab, hosts: dict[str, str]) -> None:
    lab.faults.cut_off("controller101")
    inside(lab, "controller101", "firewall-cmd --reload && systemctl restart firewalld")
    assert misses(lab, "controller101", hosts["controller102"])
    lab.faults.heal("controller101")


def test_a_packet_that_is_on_its_way_is_lost_as_well(lab: Lab, hosts: dict[str, str]) -> None:
    with socket.create_connection((hosts["controller101"], 22), timeout=60) as connection:
        assert connection.recv(4) == b"SSH-"  # from this machine, which is never cut off
        lab.faults.cut_off("controller101", outside=True)
        connection.sendall(b"SSH-2.0-test\r\n")
        assert connection.recv(1)
        lab.faults.heal("controller101")


def test_the_log_of_etcd_is_slow_on_a_slow_disk(lab: Lab, etcd: str) -> None:
    inside(lab, etcd, "etcdctl put key value")
    before = syncs(lab)
    lab.faults.slow_disk(etcd, ETCD, 0.3)
    assert is_slowed(lab)
    assert put_seconds(lab) >= 0.3
    count, seconds = (now - then for now, then in zip(syncs(lab), before, strict=True))
    assert count >= 1
    assert seconds / count >= 0.3
    lab.faults.normal_disk(etcd, ETCD)
    assert not is_slowed(lab)
    assert inside(lab, etcd, "etcdctl put key value") == "OK\n"


def test_whoever_is_killed_on_a_slow_disk_comes_back_with_an_ordinary_one(lab: Lab, etcd: str) -> None:
    process = main_process(lab)
    lab.faults.slow_disk(etcd, ETCD, 0.3)
    lab.faults.kill(etcd, ETCD)
    await_another_process(lab, process)
    assert not is_slowed(lab)
    assert inside(lab, etcd, "etcdctl put key value") == "OK\n"


def test_a_lab_in_the_middle_of_everything_leaves_nothing(runner: asyncio.Runner, folders: LabFolders) -> None:
    lab = runner.run(Lab.up(f"ends-{os.getpid()}", folders))
    key, address = HOST_KEYS["controller101"], str(lab.host_addresses[0])
    runner.run(lab.machines.create(Machine("controller101", address, user_data(key, CLIENT_KEY))))
    connect(address, key, CLIENT_KEY).close()
    lab.faults.slow_disk("controller101", "ssh.service", 0.3)
    lab.faults.stop("controller101", "ssh.service")
    lab.faults.cut_off("controller101", outside=True)
    children = {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    tracers = {pid for pid in children if Path(f"/proc/{pid}/comm").read_text() == "strace\n"}
    assert tracers
    runner.run(lab.down())
    assert not any(Path(f"/proc/{pid}").exists() for pid in tracers)
    assert processes(lab.network.names.group) == []
    assert not list(Path("/run/netns").glob(f"{lab.network.names.group}-*"))
