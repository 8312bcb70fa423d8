"""The hosts: an sshd each in namespaces of its own, with an app's repository beside them."""

import contextlib
import http.client
from collections.abc import Iterator
from pathlib import Path

from model.registered import HostRecord
from tests.executors.sshd import LoopbackSshd
from tests.gitops.remote import Remote

HERE = Path(__file__).parent


class AppRepo:
    """The repository of the app that is deployed; each commit is a new one to every host."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._remote = Remote(folder)
        self.versions: dict[str, str] = {}
        self.url = self._remote.url
        for script in (HERE / "app").iterdir():
            kept = self._remote.work / script.name
            kept.write_bytes(script.read_bytes())
            kept.chmod(0o755)

    def commit(self) -> str:
        """A new commit."""
        version = f"{len(self.versions) + 1}\n"
        commit = self._remote.push({"version": version})
        self.versions[commit] = version
        return commit


class Hosts:
    """So many hosts at 127.0.1.1 and up, all with one key."""

    def __init__(self, folder: Path, count: int) -> None:
        self.addresses = {f"worker{100 + number}": f"127.0.1.{number}" for number in range(1, count + 1)}
        self.repo = AppRepo(folder / "repo")
        # What has a process namespace of its own ends as a whole with the first process in it.
        inside = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
        here = ("sh", str(HERE / "host.sh"), str(folder), str(HERE / "stand-ins"))
        # pyinfra sends files by it.
        options = ("Subsystem=sftp internal-sftp",)
        self.sshd = LoopbackSshd(folder / "sshd", list(self.addresses.values()), options, (*inside, *here))

    def record(self, node: str) -> HostRecord:
        """What the registry holds of a host."""
        return self.sshd.record(node, ip=self.addresses[node])

    def see_serving(self, port: int, commit: str) -> None:
        """Raise unless the app answers from this commit on every host."""
        for address in self.addresses.values():
            with contextlib.closing(http.client.HTTPConnection(address, port, timeout=10)) as connection:
                connection.request("GET", "/")
                version = connection.getresponse().read().decode()
            if version != self.repo.versions[commit]:
                raise RuntimeError(f"{address}:{port} serves version {version.strip()}, not that of {commit[:8]}")


@contextlib.contextmanager
def running(folder: Path, count: int) -> Iterator[Hosts]:
    """Hosts on which nothing was deployed yet, ended with all that runs on them."""
    folder.mkdir()
    hosts = Hosts(folder, count)
    try:
        hosts.sshd.start()
        yield hosts
    finally:
        hosts.sshd.stop()
