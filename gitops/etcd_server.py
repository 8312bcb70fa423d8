"""An etcd of flstr's own: a child process on loopback, for a cluster that has no etcd of its own yet."""

import fcntl
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from gitops.store import Store
from model.errors import Refused

START_SECONDS = 20.0
# It loses nothing where it is killed.
STOP_SECONDS = 5.0


class EmbeddedEtcd:
    """Runs `etcd` with its data in `folder` until `stop()`; the kernel ends it with its parent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: BinaryIO | None = None
        self.endpoint = ""

    def start(self, endpoint: str = "") -> str:
        """Start it, on a free port unless one is given, and return its endpoint once it answers. Raises `Refused`."""
        if shutil.which("etcd") is None:
            raise Refused("etcd is not installed; install Debian's etcd-server")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._take_the_folder()
        client, peer = endpoint or f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        command = [
            *("etcd", "--name", "flstr", "--data-dir", str(self._folder / "data")),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"flstr={peer}", "--auto-compaction-retention", "1", "--force-new-cluster"),
            *("--logger", "zap", "--log-level", "warn"),
        ]
        log_file = (self._folder / "etcd.log").open("ab")
        try:
            # setpriv ends etcd with this process, however this process ends.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdout=log_file, stderr=log_file, start_new_session=True
            )
        finally:
            log_file.close()
        self.endpoint = client
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self.endpoint

    def stop(self) -> None:
        """End it and wait for its end."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_the_folder(self) -> None:
        """Until `stop()`, or this process ends. etcd itself would wait for whoever has its data, and not say so."""
        lock = (self._folder / "lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise Refused(f"another flstr has its etcd in {self._folder}; stop it first") from error
        self._lock = lock

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        store = Store([self.endpoint])
        try:
            while not _answers(store):
                if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                    raise Refused(f"etcd did not start; its log is {self._folder / 'etcd.log'}")
                time.sleep(0.05)
        finally:
            store.close()


def _answers(store: Store) -> bool:
    try:
        store.get("flstr")
    except Refused:
        return False
    return True


def free_port() -> int:
    """A port of loopback that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
