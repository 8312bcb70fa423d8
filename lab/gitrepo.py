"""Bare Git repositories with a history that is the same, hash for hash, in every lab."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.process import run

_FIRST_COMMIT_AT = 1_700_000_000  # seconds since 1970; each further commit is a minute later
_AUTHOR = ("developer", "developer@flstr.lab")


@dataclass(frozen=True)
class Commit:
    """One commit to make: `folder` is laid over the files of `parent` (a branch's name, None for a root commit)."""

    message: str
    folder: Path
    branch: str = "main"
    parent: str | None = None
    tag: str | None = None


APPS = Path(__file__).parent / "apps"

INFLUENCER = (
    Commit("Answer with the release", APPS / "influencer/first"),
    Commit("Second release", APPS / "influencer/second", parent="main", tag="v2"),
    Commit("Use hashtags", APPS / "influencer/broken-build", branch="broken-build", parent="main"),
    Commit("Wait for a database", APPS / "influencer/never-healthy", branch="never-healthy", parent="main"),
    Commit("Count visits in Redis", APPS / "influencer/visits", branch="visits", parent="main"),
)
"""The app of the lab: two releases, a branch that does not build, one that never gets healthy, and one that needs
Redis."""


async def make_repository(path: Path, commits: tuple[Commit, ...]) -> None:
    """Make the bare repository `path` with these commits, oldest first. HEAD is `main`."""
    await run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(path), env=_environment(0))
    for count, commit in enumerate(commits):
        await _commit(path, commit, _environment(count))


async def _commit(repository: Path, commit: Commit, environment: dict[str, str]) -> None:
    if not commit.folder.is_dir():
        raise LabError(f"There is no folder {commit.folder} to make the repository {repository.name} from.")
    with tempfile.TemporaryDirectory(prefix="flstr-lab-") as temporary:
        tree = Path(temporary, "tree")
        git: tuple[str, ...] = ("git", f"--git-dir={repository}", f"--work-tree={tree}")
        env = {**environment, "GIT_INDEX_FILE": str(Path(temporary, "index"))}
        tree.mkdir()
        parents: list[str] = []
        if commit.parent is not None:
            parents = ["-p", (await run(*git, "rev-parse", commit.parent, env=env)).strip()]
            await run(*git, "read-tree", commit.parent, env=env)
            await run(*git, "checkout-index", "--all", env=env)
        shutil.copytree(commit.folder, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git", "__pycache__"))
        await run(*git, "add", "--all", "--force", cwd=tree, env=env)
        tree_hash = (await run(*git, "write-tree", env=env)).strip()
        made = (await run(*git, "commit-tree", tree_hash, *parents, "-m", commit.message, env=env)).strip()
    git = ("git", f"--git-dir={repository}")
    await run(*git, "update-ref", f"refs/heads/{commit.branch}", made, env=environment)
    if commit.tag is not None:
        await run(*git, "update-ref", f"refs/tags/{commit.tag}", made, env=environment)


def _environment(count: int) -> dict[str, str]:
    """Everything a commit's hash depends on beside its files, and nothing of this machine's own settings."""
    name, email = _AUTHOR
    date = f"{_FIRST_COMMIT_AT + 60 * count} +0000"
    return {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": email,
        "GIT_COMMITTER_DATE": date,
    }
