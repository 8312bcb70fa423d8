"""A real etcd of several members on loopback; each can be killed, stopped, and brought back."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gitops.etcd_client import EtcdTls
from gitops.store import Store
from model.errors import Refused
from tests.gitops.etcd_tls import EtcdAuthority

START_SECONDS = 30.0


class EtcdMember:
    """One member, a child process that ends with this one."""

    def __init__(self, name: str, folder: Path, scheme: str) -> None:
        self.name = name
        self.endpoint, self.peer = (f"{scheme}://127.0.0.1:{_free_port()}" for _ in range(2))
        self._folder = folder
        self._options: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, options: Sequence[str] = ()) -> None:
        """Begin, or begin again with the data it had; returns at once."""
        self._options = tuple(options) or self._options
        command = [
            *("etcd", "--name", self.name, "--data-dir", str(self._folder / self.name)),
            *("--listen-client-urls", self.endpoint, "--advertise-client-urls", self.endpoint),
            *("--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer),
            *("--logger", "zap", "--log-level", "warn", *self._options),
        ]
        with (self._folder / f"{self.name}.log").open("ab") as log:
            # What proxies this machine has is none of theirs.
            plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdout=log, stderr=log, env=plain, start_new_session=True
            )

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Have it do nothing, with its connections open."""
        self._signal(signal.SIGSTOP)
        assert self._process is not None
        # Each of its threads stops by itself, some time after the signal.
        tasks = Path("/proc", str(self._process.pid), "task")
        while not all(_is_stopped(task) for task in tasks.iterdir()):
            time.sleep(0.005)

    def resume(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


class EtcdCluster:
    """Its members; `authority` is there with TLS, and then a client has to show a certificate."""

    def __init__(self, folder: Path, count: int = 3, *, tls: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = EtcdAuthority(folder / "tls") if tls else None
        names = [f"controller00{number}" for number in range(1, count + 1)]
        self.members = [EtcdMember(name, folder, "https" if tls else "http") for name in names]

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Where clients reach the members."""
        return tuple(member.endpoint for member in self.members)

    def start(self) -> None:
        """Begin, and wait until they agree."""
        everybody = ",".join(f"{member.name}={member.peer}" for member in self.members)
        for member in self.members:
            member.start(("--initial-cluster", everybody, *self._tls_options(member.name)))
        self.await_all()

    def await_all(self) -> None:
        """Wait until each member answers, and they agree."""
        deadline = time.monotonic() + START_SECONDS
        for member in self.members:
            store = Store([member.endpoint], tls=self.tls("root"))
            while not _agrees(store):
                assert time.monotonic() < deadline, f"{member.name} does not agree with the others"
                time.sleep(0.05)
            store.close()

    def store(self, *, first: int = 0, user: str = "flstr") -> Store:
        """A store that prefers one of them."""
        return Store((*self.endpoints[first:], *self.endpoints[:first]), tls=self.tls(user))

    def tls(self, user: str) -> EtcdTls | None:
        """The files of a user, where there is TLS."""
        return None if self.authority is None else self.authority.client(user)

    def leader(self) -> EtcdMember:
        """The member that leads the others, once all of them answer."""
        self.await_all()
        ids = {}
        for member in self.members:
            store = Store([member.endpoint], tls=self.tls("root"))
            status = store._client.call(lambda etcd: etcd.status())
            ids[int(status.leader.id)] = str(status.leader.name)
            store.close()
        [name] = set(ids.values())
        return next(member for member in self.members if member.name == name)

    def end(self) -> None:
        """Kill all of them."""
        for member in self.members:
            member.kill()

    def _tls_options(self, name: str) -> tuple[str, ...]:
        if self.authority is None:
            return ()
        files = self.authority.member(name)
        ca, certificate, key = str(files.ca), str(files.certificate), str(files.key)
        return (
            *("--client-cert-auth", "--trusted-ca-file", ca, "--cert-file", certificate, "--key-file", key),
            *("--peer-client-cert-auth", "--peer-trusted-ca-file", ca),
            *("--peer-cert-file", certificate, "--peer-key-file", key),
        )


@contextmanager
def etcd_cluster(folder: Path, count: int = 3, *, tls: bool = False) -> Iterator[EtcdCluster]:
    """A cluster that has begun, for as long as the block lasts."""
    cluster = EtcdCluster(folder, count, tls=tls)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()


def _agrees(store: Store) -> bool:
    try:
        store.get("flstr")
    except Refused:
        return False
    return True


def _is_stopped(task: Path) -> bool:
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "T"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
