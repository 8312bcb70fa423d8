"""The lab's Git remote: `git daemon` at address .2, in a network namespace of its own."""

import asyncio
import os
from pathlib import Path

from lab import cgroup
from lab.errors import LabError
from lab.gitrepo import Commit, make_repository
from lab.naming import GIT_REMOTE
from lab.network import LabNetwork

_PORT = 9418
_SERVES_WITHIN_SECONDS = 10.0


class GitRemote:
    """Serves bare repositories to the hosts and to the machine, for reading and pushing."""

    def __init__(self, network: LabNetwork, lab_folder: Path) -> None:
        self._network = network
        self._folder = lab_folder / "git"
        self._log = lab_folder / "git-daemon.log"
        self._daemon: asyncio.subprocess.Process | None = None

    @property
    def _group(self) -> str:
        return f"{self._network.names.group}/{GIT_REMOTE}"

    def url(self, name: str) -> str:
        """The URL of repository `name`, the same from everywhere in the lab."""
        return f"git://{self._network.names.address(GIT_REMOTE)}/{name}.git"

    def path(self, name: str) -> Path:
        """The bare repository's folder."""
        return self._folder / f"{name}.git"

    async def seed(self, name: str, commits: tuple[Commit, ...]) -> str:
        """Make repository `name` with these commits and return its URL."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self.path(name).exists():
            raise LabError(f"The Git remote already has a repository called {name}.")
        await make_repository(self.path(name), commits)
        return self.url(name)

    async def start(self) -> None:
        """Serve. Returns when connections are accepted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        group = cgroup.make_group(self._group)
        namespace = await self._network.plug_in(GIT_REMOTE)
        with self._log.open("ab") as log:
            self._daemon = await asyncio.create_subprocess_exec(
                *("sh", "-c", 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"', "sh", str(group)),
                *("nsenter", f"--net=/run/netns/{namespace}"),
                *("git", "daemon", "--export-all", "--enable=receive-pack", "--reuseaddr", "--verbose"),
                *(f"--port={_PORT}", f"--base-path={self._folder}", str(self._folder)),
                env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await self._until_it_serves()

    async def _until_it_serves(self) -> None:
        assert self._daemon is not None  # noqa: S101 - started just before
        deadline = asyncio.get_running_loop().time() + _SERVES_WITHIN_SECONDS
        address = str(self._network.names.address(GIT_REMOTE))
        while True:
            try:
                _, writer = await asyncio.open_connection(address, _PORT)
            except OSError as error:
                if self._daemon.returncode is not None or asyncio.get_running_loop().time() > deadline:
                    raise LabError(f"The Git remote at {address} did not start; see {self._log}.") from error
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    async def stop(self) -> None:
        """Stop serving; the repositories stay."""
        await cgroup.kill_group(self._group)
        if self._daemon is not None:
            await self._daemon.wait()
            self._daemon = None
        await self._network.unplug(GIT_REMOTE)
