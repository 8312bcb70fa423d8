"""What a commit has that another one has not, as the controller sends it along."""

import os
import subprocess
from pathlib import Path

from gitops import app_repos
from gitops.app_repos import AppRepos
from tests.gitops.remote import Remote, git


def contents(pack: bytes, folder: Path) -> list[str]:
    """The types of the objects in a pack that leans on nothing; a thin one is not taken apart."""
    repo = folder / "apart.git"
    subprocess.run(["git", "init", "-q", "--bare", str(repo)], check=True)
    subprocess.run(["git", f"--git-dir={repo}", "unpack-objects", "-q"], input=pack, check=True)
    return sorted(git(repo, "cat-file", "--batch-check=%(objecttype)", "--batch-all-objects").split())


def test_it_has_the_commit_and_what_changed_in_it(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, first, second = app_remote
    pack = AppRepos(tmp_path / "apps").thin_pack(remote.url, first, second)
    assert pack is not None
    assert contents(pack, tmp_path) == ["blob", "commit", "tree"]


def test_it_says_nothing_of_the_commits_between(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, first, _ = app_remote
    for number in range(5):
        newest = remote.push({"between": f"{number}\n"})
    pack = AppRepos(tmp_path / "apps").thin_pack(remote.url, first, newest)
    assert pack is not None
    assert contents(pack, tmp_path).count("commit") == 1


def test_an_older_commit_is_as_good_as_a_newer_one(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, first, second = app_remote
    pack = AppRepos(tmp_path / "apps").thin_pack(remote.url, second, first)
    assert pack is not None
    assert "commit" in contents(pack, tmp_path)


def test_what_is_large_the_machines_fetch_themselves(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, first, _ = app_remote
    (remote.work / "film").write_bytes(os.urandom(app_repos.PACK_BYTES + 1))
    large = remote.push({})
    assert AppRepos(tmp_path / "apps").thin_pack(remote.url, first, large) is None


def test_there_is_none_of_a_commit_that_cannot_be_had(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, first, _ = app_remote
    repos = AppRepos(tmp_path / "apps")
    assert repos.thin_pack(remote.url, first, "f" * 40) is None
    assert repos.thin_pack(remote.url, "f" * 40, first) is None
    assert repos.thin_pack("file:///nowhere.git", first, "f" * 40) is None


def test_machines_side_by_side_share_one(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, first, second = app_remote
    repos = AppRepos(tmp_path / "apps")
    pack = repos.thin_pack(remote.url, first, second)
    remote.bare.rename(tmp_path / "away")
    assert repos.thin_pack(remote.url, first, second) is pack
