"""The stage of the story: a lab in a thread of its own, a flstr that can be killed, and the hands of its people."""

import asyncio
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import requests

from lab.errors import LabError
from lab.flstr_process import FlstrProcess
from lab.image import Progress
from lab.naming import LabFolders
from lab.story.chat import Chat
from lab.surroundings import CLOUD_TOKEN, Surroundings, Wishes

T = TypeVar("T")

APP_HOST = "influencer.flstr.lab"
# ssh's own status, where no command could be carried out.
SSH_FAILED = 255


class Stage:
    """Everything the story needs, from outside: what a browser, a Git client and the cloud's console see."""

    def __init__(
        self,
        name: str,
        wishes: Wishes | None = None,
        folders: LabFolders | None = None,
        progress: Progress = lambda _share, _line: None,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"lab {name}", daemon=True)
        self._thread.start()
        rising = self._run(_begin(Surroundings.up(name, wishes, folders, progress)))
        try:
            self.around = self._run(_ended(rising))
        except BaseException:
            # Ctrl-C reaches this thread only: the other one has to hear of it, and clear up.
            self._run(_undo(rising))
            self._end_loop()
            raise
        self.chat = Chat(self.around.slack.url)
        self.flstr = FlstrProcess(self.around.environment(), self.around.lab.folder / "flstr.log")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flstr.stop()
        self._run(self.around.down())
        self._end_loop()

    def servers(self) -> dict[str, str]:
        """The cloud's servers: address by name."""
        answer = requests.get(
            f"{self.around.cloud_url}/servers",
            params={"per_page": "50"},
            headers={"Authorization": f"Bearer {CLOUD_TOKEN}"},
            timeout=60,
        )
        return {item["name"]: item["public_net"]["ipv4"]["ip"] for item in answer.json()["servers"]}

    def app_commit(self, name: str) -> str:
        """A commit of the app's repository."""
        return self.git("--git-dir", str(self.around.lab.git.path("influencer")), "rev-parse", name)

    def cluster_log(self) -> str:
        """The newest commit of the cluster repo: author, subject and trailers."""
        folder = str(self.around.lab.git.path("cluster"))
        return self.git("--git-dir", folder, "log", "-1", "--format=%an <%ae>%n%s%n%b", "main")

    def merge(self, branch: str, edits: Mapping[str, str], person: str = "developer") -> str:
        """Make a branch with replacements of text in the manifests and merge it, as a pull request is merged."""

        def edit(folder: Path) -> None:
            for file in sorted(folder.rglob("*.yaml")):
                text = file.read_text()
                for old, new in edits.items():
                    text = text.replace(old, new)
                file.write_text(text)

        return self.push(branch, edit, person)

    def push(self, branch: str, edit: Callable[[Path], None], person: str = "developer", force: bool = False) -> str:
        """Change the cluster repo by hand on a branch, merge it, push it; the new revision."""
        identity = ("-c", f"user.name={person}", "-c", f"user.email={person}@flstr.lab")
        with tempfile.TemporaryDirectory(prefix="flstr-lab-") as temporary:
            folder = Path(temporary, "cluster")
            self.git("clone", "--quiet", self.around.cluster_repo, str(folder))
            at = ("-C", str(folder), *identity)
            if force:
                self.git(*at, "checkout", "--quiet", "--orphan", branch)
            else:
                self.git(*at, "checkout", "--quiet", "-b", branch)
            edit(folder)
            self.git(*at, "add", "--all")
            self.git(*at, "commit", "--quiet", "--allow-empty", "-m", f"{branch}: change the manifests")
            if not force:
                self.git(*at, "checkout", "--quiet", "main")
                self.git(*at, "merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", branch)
            self.git(*at, "push", "--quiet", *(["--force"] if force else []), "origin", "HEAD:main")
            return self.git(*at, "rev-parse", "HEAD")

    def in_host(self, address: str, command: str, seconds: float = 60.0) -> str:
        """What a command on a host prints, for checks that nobody from outside can make; empty where nobody gets in."""
        key = self.around.state / "ssh/id_ed25519"
        options = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
        deadline = time.monotonic() + seconds
        while True:
            done = subprocess.run(
                ["ssh", "-i", str(key), *options, f"root@{address}", command],
                capture_output=True, text=True, timeout=seconds, check=False,
            )  # fmt: skip
            # A busy sshd may break a connection off before anything is carried out.
            if done.returncode != SSH_FAILED or time.monotonic() > deadline:
                return done.stdout
            time.sleep(0.2)

    def cut_power(self, node: str) -> None:
        """What happens to a machine that dies; returns once it is dead."""
        self._run(self.around.lab.machines.power_off(node))

    def power_on(self, node: str) -> None:
        """It comes back, with the disk that it had."""
        self._run(self.around.lab.machines.power_on(node))

    def git(self, *arguments: str) -> str:
        """What a `git` command prints. Raises LabError."""
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


async def _begin(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.create_task(work)


async def _ended(task: asyncio.Task[T]) -> T:
    return await asyncio.shield(task)


async def _undo(rising: asyncio.Task[Surroundings]) -> None:
    """Give up what is being stood up; it may have come to stand at this very moment."""
    rising.cancel()
    await asyncio.wait([rising])
    if not rising.cancelled() and rising.exception() is None:
        await rising.result().down()
