"""Control groups: one for each lab, and inside it one for each host.

Everything that a host runs is born in its group and cannot leave it. So the group is what tells a host's
processes from others, and what kills all of them at once, whoever started them and whoever died.
"""

import asyncio
import subprocess
from pathlib import Path

from lab.errors import LabError

_EMPTY_WITHIN_SECONDS = 10.0


def hierarchies(mounts: str) -> tuple[Path | None, list[Path]]:
    """From the text of /proc/self/mounts: where cgroup v2 is mounted, and where systemd's v1 hierarchies are."""
    unified, legacy = None, []
    for line in mounts.splitlines():
        _device, path, kind, options, *_ = line.split()
        if kind == "cgroup2" and unified is None:
            unified = Path(path)
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            legacy.append(Path(path))
    return unified, legacy


def unified_hierarchy() -> Path:
    """Where cgroup v2 is mounted on this machine."""
    unified, _ = hierarchies(Path("/proc/self/mounts").read_text())
    if unified is None:
        raise LabError("This machine has no cgroup v2 mounted: the lab needs one (`mount -t cgroup2 none DIR`).")
    return unified


def make_group(name: str) -> Path:
    """Make the group (`lab` or `lab/host`) and return its folder."""
    group = unified_hierarchy() / name
    group.mkdir(parents=True, exist_ok=True)
    return group


def kill_when_we_end(name: str) -> "subprocess.Popen[bytes]":
    """Have a group, and those below it, killed as soon as this process is gone, however it went.

    It happens as well when the returned process's stdin is closed, or nobody refers to it any more.
    """
    return subprocess.Popen(
        ["sh", "-c", 'read -r _; echo 1 >"$1/cgroup.kill"', "sh", make_group(name)],
        stdin=subprocess.PIPE,  # the kernel closes our end when we are gone
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def processes(name: str) -> list[int]:
    """The process ids in the group and in those below it."""
    group = unified_hierarchy() / name
    return [int(pid) for file in group.rglob("cgroup.procs") for pid in _read(file).split()]


async def kill_group(name: str) -> None:
    """Kill every process in the group and those below it, wait until they are gone, and remove the groups."""
    unified, legacy = hierarchies(Path("/proc/self/mounts").read_text())
    if unified is not None and (unified / name).exists():
        (unified / name / "cgroup.kill").write_text("1")
        await _until_empty(unified / name)
        _remove(unified / name)
    for hierarchy in legacy:  # systemd-nspawn mirrors the group there
        _remove(hierarchy / name)


async def _until_empty(group: Path) -> None:
    deadline = asyncio.get_running_loop().time() + _EMPTY_WITHIN_SECONDS
    while "populated 1" in _read(group / "cgroup.events"):
        if asyncio.get_running_loop().time() > deadline:
            raise LabError(f"Processes in {group} did not end within {_EMPTY_WITHIN_SECONDS:.0f} s of SIGKILL.")
        await asyncio.sleep(0.01)


def _remove(group: Path) -> None:
    if not group.is_dir():
        return
    for child in sorted(group.rglob("*"), reverse=True):  # the deepest first
        if child.is_dir():
            child.rmdir()
    group.rmdir()


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # the group went while we looked
        return ""
