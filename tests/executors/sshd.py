"""A real sshd on loopback, for tests and benchmarks; it lets root of this machine in with one key."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

from model.registered import HostRecord


def make_key(path: Path) -> str:
    """An ed25519 key pair; returns the public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


NODE = "worker101"  # what the only machine of most tests is called
MOST_ADDRESSES = 16  # that one sshd listens on


class LoopbackSshd:
    """`/usr/sbin/sshd -D` as a child, on loopback addresses and a port of its own; more than 16 take several."""

    def __init__(
        self,
        folder: Path,
        addresses: Sequence[str] = ("127.0.0.1",),
        options: Sequence[str] = (),
        inside: Sequence[str] = (),
    ) -> None:
        """`inside` is a command that runs the sshd of each address in surroundings of its own, such as unshare."""
        self._folder = folder
        self._inside = tuple(inside)
        self._options = [f"-o{option}" for option in options]
        self._addresses = tuple(addresses)
        folder.mkdir(parents=True, exist_ok=True)
        self.client_key = folder / "client"
        self.client_public = make_key(self.client_key)
        self.host_key = make_key(folder / "host")
        (folder / "authorized_keys").write_text(self.client_public + "\n")
        # It never listens, but for as long as it is bound nobody else is given the port.
        held = socket.socket()
        weakref.finalize(self, held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((self._addresses[0], 0))
        self.port = int(held.getsockname()[1])
        (folder / "sshd_config").write_text(
            f"HostKey {folder}/host\nPidFile {folder}/pid\nAuthorizedKeysFile {folder}/authorized_keys\n"
            "StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
            # What root of this machine has in its .bashrc is nobody's business.
            f"SetEnv HOME={folder}\n"
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start listening."""
        Path("/run/sshd").mkdir(exist_ok=True)
        command = [*self._inside, "/usr/sbin/sshd", "-D", "-e", "-f", str(self._folder / "sshd_config"), *self._options]
        each = 1 if self._inside else MOST_ADDRESSES
        for first in range(0, len(self._addresses), each):
            some = self._addresses[first : first + each]
            listen = [f"-oListenAddress={address}:{self.port}" for address in some]
            with (self._folder / "log").open("ab") as log:
                process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command, *listen], stderr=log)
            self._processes.append(process)
        for address in self._addresses:
            self._await(address)

    def stop(self) -> None:
        """Stop listening, and end every connection."""
        for process in self._processes:
            # Whoever has stopped makes no new children while they are ended.
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            for child in _children(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            process.kill()
            process.wait()
        self._processes = []

    def connections(self) -> int:
        """How many connections were let in so far."""
        return (self._folder / "log").read_text().count("Accepted publickey")

    def record(self, node: str, host_key: str | None = None, ip: str = "127.0.0.1") -> HostRecord:
        """What the registry would hold of this machine."""
        return HostRecord(node=node, host_key=host_key or self.host_key, ip=ip, server_id=1)

    def _await(self, address: str) -> None:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex((address, self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError((self._folder / "log").read_text())


def _children(pid: int) -> list[int]:
    """By each process's own word: the kernel's list of children leaves some out while others end."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found
