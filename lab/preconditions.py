"""Whether this machine can run labs."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from lab.cgroup import hierarchies

_PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "git": "git",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
}
"""The programs the lab runs, and the Debian packages they are in."""


def why_no_lab() -> str | None:
    """One sentence saying why labs cannot run here; None when they can."""
    if sys.platform != "linux":
        return f"The lab needs Linux, because its hosts are Linux namespaces; this is {platform.system()}."
    if os.geteuid() != 0:
        return "The lab needs root, because it makes network namespaces and mounts: run it with sudo."
    missing = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        return f"The lab needs Debian packages that are not installed: `apt-get install {' '.join(missing)}`."
    return _why_no_kernel_support()


def _why_no_kernel_support() -> str | None:
    if not Path("/dev/net/tun").exists():
        return "The lab's hosts need /dev/net/tun for their meshes: `modprobe tun`, or give this container the device."
    unified, _ = hierarchies(Path("/proc/self/mounts").read_text())
    if unified is None or not os.access(unified, os.W_OK) or _is_read_only(unified):
        return "The lab needs control groups version 2, mounted and writable, to tell its hosts' processes apart."
    if not _may_make_namespaces():
        return (
            "The lab needs mount and network namespaces, and the kernel refuses them here: an unprivileged container?"
        )
    return None


def _is_read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _may_make_namespaces() -> bool:
    # A program of its own: a forked copy of a process with threads may hang before it asks.
    asked = subprocess.run(["unshare", "--mount", "--net", "true"], check=False, capture_output=True)
    return asked.returncode == 0
