"""Limits of the machine's kernel that a handful of hosts would reach."""

from pathlib import Path

# The systemd, dbus and firewalld of each host hold about ten; the kernel's default of 128 is for all hosts together,
# and a host that gets none boots without its services.
_INOTIFY_INSTANCES = 8192


def raise_limits(proc_sys: Path = Path("/proc/sys")) -> None:
    """Raise what is too low for several labs; what is higher already stays."""
    limit = proc_sys / "fs/inotify/max_user_instances"
    if int(limit.read_text()) < _INOTIFY_INSTANCES:
        limit.write_text(f"{_INOTIFY_INSTANCES}\n")
