"""The peers of `executors.ssh`: OpenSSH's own client, and bash without any."""

import subprocess
from pathlib import Path

from tests.executors.sshd import LoopbackSshd


class PlainSsh:
    """`ssh`, with the host key pinned as flstr pins it."""

    def __init__(self, sshd: LoopbackSshd, folder: Path) -> None:
        known = folder / "known_hosts"
        known.write_text(f"* {sshd.host_key}\n")
        self._masters = folder / "masters"
        self._masters.mkdir()
        self._options = (
            *("-F", "none", "-i", str(sshd.client_key), "-p", str(sshd.port), "-l", "root"),
            *("-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"),
            *("-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}"),
        )

    def run(self, address: str, script: str, warm: bool) -> None:
        """The script on a machine; warm keeps a master connection, and uses it the next time."""
        master = ("-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-S", str(self._masters / address))
        command = ["ssh", *self._options, *(master if warm else ()), address, "bash -s"]
        # The master that ControlPersist leaves behind would hold pipes open.
        subprocess.run(command, input=script.encode(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        """End the masters."""
        end_masters(self._masters)


def end_masters(folder: Path) -> None:
    """End the master connections whose sockets stand in a folder."""
    for socket in filter(Path.is_socket, folder.iterdir()):
        command = ["ssh", "-F", "none", "-S", str(socket), "-O", "exit", socket.name]
        subprocess.run(command, check=False, capture_output=True)


def run_here(script: Path, times: int, side_by_side: int) -> None:
    """The script on this machine, so many times."""
    command = ["xargs", "-P", str(side_by_side), "-n", "1", "bash", str(script)]
    numbers = "\n".join(map(str, range(times)))
    subprocess.run(command, input=numbers.encode(), check=True, stdout=subprocess.DEVNULL)
