"""A real sshd on loopback, for tests; it lets root of this machine in with one key."""

import socket
import subprocess
import time
from pathlib import Path

from model.registered import HostRecord


def make_key(path: Path) -> str:
    """An ed25519 key pair; returns the public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


class LoopbackSshd:
    """`/usr/sbin/sshd -D` as a child, on `127.0.0.1` and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.client_key = folder / "client"
        self.client_public = make_key(self.client_key)
        self.host_key = make_key(folder / "host")
        (folder / "authorized_keys").write_text(self.client_public + "\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        (folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\n"
            f"HostKey {folder}/host\nPidFile {folder}/pid\nAuthorizedKeysFile {folder}/authorized_keys\n"
            "StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start listening."""
        Path("/run/sshd").mkdir(exist_ok=True)
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(self._folder / "sshd_config")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stderr=log)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError((self._folder / "log").read_text())

    def stop(self) -> None:
        """Stop listening, and end every connection."""
        if self._process is not None:
            for child in self._children():
                subprocess.run(["kill", "-KILL", child], check=False)
            self._process.kill()
            self._process.wait()
            self._process = None

    def connections(self) -> int:
        """How many connections were let in so far."""
        return (self._folder / "log").read_text().count("Accepted publickey")

    def record(self, node: str, host_key: str | None = None) -> HostRecord:
        """What the registry would hold of this machine."""
        return HostRecord(node=node, host_key=host_key or self.host_key, ip="127.0.0.1", server_id=1)

    def _children(self) -> list[str]:
        assert self._process is not None
        pid = self._process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
