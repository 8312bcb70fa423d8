"""What can happen to a machine, done to a host of the lab from outside: nothing on the host has to cooperate.

Each is undone by its counterpart, by cutting the host's power, and with the lab: it is in the host's control group, in
its network namespace, or in a process that ends with those it holds.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from lab.errors import LabError
from lab.host import Host
from lab.machines import Machines
from lab.naming import GATEWAY, HOST_OCTETS, ROUTER
from lab.units import unit_group, unit_processes

_TABLE = "flstr_lab_cut_off"
_MOMENT_SECONDS = 10.0


class MachineFaults:
    """By the names of hosts and of their units. All of it is done when a method returns."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._slowing: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    def kill(self, host: str, unit: str, *, whole: bool = False) -> None:
        """End the unit's main process as the kernel does, or all of its processes at once."""
        there = self._machines.host(host)
        if whole:
            (unit_group(there, unit) / "cgroup.kill").write_text("1")
        else:
            os.kill(unit_processes(there, unit)[0], signal.SIGKILL)

    def stop(self, host: str, unit: str) -> None:
        """Have the unit's processes do nothing; they know of nothing, and their connections stay open."""
        group = unit_group(self._machines.host(host), unit)
        (group / "cgroup.freeze").write_text("1")
        _until(lambda: "frozen 1" in (group / "cgroup.events").read_text(), f"{unit} on {host} to stand still")

    def resume(self, host: str, unit: str) -> None:
        """Have them go on."""
        (unit_group(self._machines.host(host), unit) / "cgroup.freeze").write_text("0")

    def cut_off(self, host: str, others: Iterable[str] | None = None, *, outside: bool = False) -> None:
        """Let nothing through between a host and others, all of them where none are named, in either direction.

        What is outside, Slack and the cloud and Git and names, goes too where it is said. This machine stays.
        """
        there = self._machines.host(host)
        names = self._machines.network.names
        if others is None:
            silent = [f"{names.address(HOST_OCTETS[0])}-{names.address(HOST_OCTETS[-1])}", str(names.floating_subnet)]
        else:
            silent = [self._machines.host(name).machine.address for name in others]
        if outside:
            silent.append(f"{names.address(GATEWAY + 1)}-{names.address(ROUTER)}")
        self._nft(there, f"{_forget()}{_drop(silent)}" if silent else _forget())

    def heal(self, host: str) -> None:
        """Let everything through again."""
        self._nft(self._machines.host(host), _forget())

    def slow_disk(self, host: str, unit: str, seconds: float) -> None:
        """Have each fsync and fdatasync of the unit's processes take so long, from now until they end."""
        self.normal_disk(host, unit)
        pids = unit_processes(self._machines.host(host), unit)
        delay = f"inject=fsync,fdatasync:delay_enter={int(seconds * 1_000_000)}"
        strace = subprocess.Popen(
            # It goes with this process; whom it traces goes on as if nothing had been. All that they ask of the kernel
            # waits for it, so it waits for nobody.
            [
                *("setpriv", "--pdeathsig", "TERM", "nice", "--adjustment=-20"),
                *("strace", "-qq", "-f", "-o", "/dev/null"),
                *("-e", "trace=fsync,fdatasync", "-e", delay, *(f"--attach={pid}" for pid in pids)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._slowing[host, unit] = strace
        try:
            _until(lambda: strace.poll() is not None or all(map(_is_traced, pids)), f"strace of {unit} on {host}")
        except LabError:
            self.normal_disk(host, unit)
            raise
        if strace.poll() is not None:
            self.normal_disk(host, unit)
            raise LabError(f"The disk of {unit} on {host} cannot be slowed down: is Debian's package strace installed?")

    def normal_disk(self, host: str, unit: str) -> None:
        """Have them take as long as they do."""
        if (strace := self._slowing.pop((host, unit), None)) is not None:
            _end(strace)

    def undo(self) -> None:
        """Leave no process of this machine's behind; the rest is the hosts', and goes with them."""
        for host, unit in list(self._slowing):
            self.normal_disk(host, unit)

    def _nft(self, host: Host, rules: str) -> None:
        image = str(self._machines.image)
        if not Path("/run/netns", host.namespace).exists():
            raise LabError(f"Host {host.machine.name} is off.")
        done = subprocess.run(
            # The image's own: this machine need not have any.
            ["nsenter", f"--net=/run/netns/{host.namespace}", "chroot", image, "nft", "--file", "-"],
            input=rules, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise LabError(f"nft for {host.machine.name}: {done.stderr.strip()}")


def _drop(silent: list[str]) -> str:
    elements = ", ".join(silent)
    # Before anything of the host's own firewall, which may be changed and reloaded meanwhile.
    hook = "type filter hook {} priority -500;"
    return f"""table inet {_TABLE} {{
  chain heard {{ {hook.format("prerouting")} iif lo accept; ip saddr {{ {elements} }} drop; }}
  chain said {{ {hook.format("output")} oif lo accept; ip daddr {{ {elements} }} drop; }}
}}
"""


def _forget() -> str:
    # A table has to be there to be deleted.
    return f"table inet {_TABLE} {{ }}\ndelete table inet {_TABLE}\n"


def _end(strace: "subprocess.Popen[bytes]") -> None:
    strace.terminate()
    try:
        strace.wait(_MOMENT_SECONDS)
    except subprocess.TimeoutExpired:
        strace.kill()  # the kernel lets go of the traced
        strace.wait()


def _is_traced(pid: int) -> bool:
    """Whether each of a process's threads is; one that has just ended is none."""
    with contextlib.suppress(OSError):
        return all("TracerPid:\t0\n" not in file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/status"))
    return False


def _until(moment: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _MOMENT_SECONDS
    while not moment():
        if time.monotonic() > deadline:
            raise LabError(f"waited {_MOMENT_SECONDS:.0f} s for {what}")
        time.sleep(0.005)
