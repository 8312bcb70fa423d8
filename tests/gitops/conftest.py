"""A cluster repo, an app repo, and executors that only register: what gitops needs to be tried without machines."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gitops.scene import CLUSTER_YAML, app_yaml


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder as an unremarkable author; its output."""
    identity = ["-c", "user.name=developer", "-c", "user.email=developer@flstr.lab", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Remote:
    """A Git remote on disk, and a clone to push from."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "remote.git", folder / "work"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.bare)], check=True)
        subprocess.run(["git", "clone", "-q", str(self.bare), str(self.work)], check=True, capture_output=True)
        self.url = f"file://{self.bare}"

    def push(self, files: dict[str, str | None], message: str = "change", *, force: bool = False) -> str:
        """Commit files (None removes one) on main and push; the revision."""
        for path, text in files.items():
            place = self.work / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                place.unlink()
            else:
                place.write_text(text)
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "--allow-empty", "-m", message)
        git(self.work, "push", "-q", *(["--force"] if force else []), "origin", "HEAD:main")
        return git(self.work, "rev-parse", "HEAD")

    def pull(self) -> None:
        """Take over what others pushed."""
        git(self.work, "pull", "-q", "--rebase", "origin", "main")


@pytest.fixture
def make_remote(tmp_path: Path) -> Callable[[str], Remote]:
    """Makes remotes by name."""

    def make(name: str) -> Remote:
        folder = tmp_path / name
        folder.mkdir()
        return Remote(folder)

    return make


@pytest.fixture
def app_remote(make_remote: Callable[[str], Remote]) -> tuple[Remote, str, str]:
    """The repository of an app, with two commits."""
    remote = make_remote("influencer")
    first = remote.push({"run.sh": "one"}, "first")
    second = remote.push({"run.sh": "two"}, "second")
    return remote, first, second


@pytest.fixture
def cluster_remote(make_remote: Callable[[str], Remote], app_remote: tuple[Remote, str, str]) -> Remote:
    """A cluster repo with the app at its first commit."""
    remote = make_remote("cluster")
    remote.push({"cluster.yaml": CLUSTER_YAML, "apps/influencer.yaml": app_yaml(app_remote[0].url, app_remote[1])})
    return remote
