"""By which SSH host keys this machine knows the host of a Git repository, so that others need not believe the first."""

import re
import subprocess
from pathlib import Path

from executors.control import paths

_SSH = re.compile(r"ssh://(?:[^@/]*@)?(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>[0-9]+))?/.*")
_SHORT = re.compile(r"[^@/:]+@(?P<host>[A-Za-z0-9.-]+):.*")


def host_of(url: str) -> str:
    """As a file of known hosts names it; empty for an address that is not reached by SSH. Pure."""
    match = _SSH.fullmatch(url) or _SHORT.fullmatch(url)
    if match is None:
        return ""
    port = match.groupdict().get("port") or "22"
    return match["host"] if port == "22" else f"[{match['host']}]:{port}"


def known_hosts(url: str, files: tuple[Path, ...] | None = None) -> str:
    """The lines of known hosts that are about the host of a repository; empty where it is not known here."""
    host = host_of(url)
    if not host:
        return ""
    lines = list[str]()
    for file in _usual() if files is None else files:
        command = ["ssh-keygen", "-F", host, "-f", str(file)]
        try:
            found = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return ""
        lines += [line for line in found.stdout.splitlines() if line and not line.startswith("#")]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _usual() -> tuple[Path, ...]:
    return (Path.home() / ".ssh/known_hosts", Path("/etc/ssh/ssh_known_hosts"), Path(paths.KNOWN_HOSTS))
