"""What a host runs, seen from outside: the processes of its units, and commands in its midst.

It needs no SSH and nothing that flstr set up, so it works for a host that is cut off or in trouble as well.
"""

import subprocess
from pathlib import Path

from lab import cgroup
from lab.errors import LabError
from lab.host import Host

_COMMAND_SECONDS = 30.0


def unit_group(host: Host, unit: str) -> Path:
    """The control group of a unit that runs. Raises LabError for one that does not."""
    payload = cgroup.unified_hierarchy() / host.group / "payload"
    for group in sorted(payload.rglob(unit)):
        if "populated 1" in (group / "cgroup.events").read_text():
            return group
    raise LabError(f"{unit} does not run on {host.machine.name}.")


def unit_processes(host: Host, unit: str) -> list[int]:
    """The process ids of a unit, as this machine has them, the main one first. Raises LabError."""
    group = unit_group(host, unit)
    pids = [int(pid) for file in group.rglob("cgroup.procs") for pid in file.read_text().split()]
    # The main one was started by the host's init, the others by it; it has the lowest number of those.
    return sorted(pids, key=lambda pid: (_parent(pid) in pids, pid))


def run_inside(host: Host, command: str, seconds: float = _COMMAND_SECONDS) -> str:
    """What a shell command prints that is run as root on a host. Raises LabError."""
    name = host.machine.name
    init = cgroup.unified_hierarchy() / host.group / "payload/init.scope/cgroup.procs"
    try:
        pid = min(map(int, init.read_text().split()))
    except (OSError, ValueError):
        raise LabError(f"Host {name} is off.") from None
    entering = ("nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd")
    try:
        done = subprocess.run(
            [*entering, "sh", "-c", command],
            capture_output=True, text=True, errors="replace", check=False, timeout=seconds, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise LabError(f"`{command}` did not end within {seconds:.0f} s on {name}.") from None
    if done.returncode != 0:
        raise LabError(f"`{command}` on {name} ended with status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(status.rpartition(")")[2].split()[1])
