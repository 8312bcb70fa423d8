"""A real etcd of several members on loopback; each can be killed, stopped, and brought back."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from gitops.etcd_client import EtcdTls
from gitops.store import Standing, Store
from model.errors import Refused
from tests.gitops.etcd_tls import EtcdAuthority
from tests.in_memory import folder_in_memory
from tests.ports import free_port

# What never comes to be is a fault; how soon it does says nothing on a busy machine.
START_SECONDS = 120.0


class EtcdMember:
    """One member, a child process that ends with this one."""

    def __init__(self, name: str, folder: Path, data: Path, scheme: str) -> None:
        """Its log is in `folder`, and what it has to keep in `data`."""
        self.name = name
        self.endpoint, self.peer = (f"{scheme}://127.0.0.1:{free_port()}" for _ in range(2))
        self._folder, self._data = folder, data / name
        self._options: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, options: Sequence[str] = ()) -> None:
        """Begin, or begin again with the data it had; returns at once."""
        self._options = tuple(options) or self._options
        command = [
            *("etcd", "--name", self.name, "--data-dir", str(self._data)),
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
        self._data = folder_in_memory()
        names = [f"controller00{number}" for number in range(1, count + 1)]
        scheme, data = "https" if tls else "http", Path(self._data.name)
        self.members = [EtcdMember(name, folder, data, scheme) for name in names]

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

    def await_all(self, *, but: EtcdMember | None = None) -> None:
        """Wait until each member answers, and they agree; all but one where that one is gone, or does nothing."""
        deadline = time.monotonic() + START_SECONDS
        for member in self.members:
            if member is but:
                continue
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
        """The member that leads the others, once all of them answer, and name the same one."""
        self.await_all()
        deadline = time.monotonic() + START_SECONDS
        with closing(self.store(user="root")) as store:
            # They are asked one after the other, and may choose another one meanwhile.
            while (leader := self._led_by(store.standings())) is None:
                assert time.monotonic() < deadline, "the members do not agree on who leads them"
                time.sleep(0.05)
        return leader

    def lead_elsewhere(self, member: EtcdMember) -> None:
        """Have another one lead the others than this one."""
        with closing(self.store(user="root")) as store:
            while self.leader() is member:
                others = [one for one in store.standings() if one.address != member.endpoint]
                with suppress(Refused):
                    store.hand_on(member.endpoint, others[0].member_id)

    def end(self) -> None:
        """Kill all of them, and remove what they kept."""
        for member in self.members:
            member.kill()
        self._data.cleanup()

    def _led_by(self, standings: Sequence[Standing]) -> EtcdMember | None:
        if len(standings) < len(self.members) or len({one.leader_id for one in standings}) > 1:
            return None
        addresses = [one.address for one in standings if one.member_id == one.leader_id]
        return next((member for member in self.members if member.endpoint in addresses), None)

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
