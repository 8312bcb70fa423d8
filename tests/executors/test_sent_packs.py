"""A build that was sent what its commit has: nothing is fetched, unless what was sent is of no use."""

import os
from pathlib import Path

import pytest

from executors.host_paths import release_paths
from executors.releases import Sent, build_script
from gitops.app_repos import AppRepos
from model.app import App
from tests.executors.build_machine import BuildMachine
from tests.executors.example import influencer
from tests.gitops.remote import Remote, git


@pytest.fixture
def machine(tmp_path: Path) -> BuildMachine:
    return BuildMachine(tmp_path / "machine")


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    folder = tmp_path / "git"
    folder.mkdir()
    remote = Remote(folder)
    (remote.work / "large").write_bytes(os.urandom(300_000))
    (remote.work / "run.sh").touch(0o755)
    (remote.work / "run.sh").chmod(0o755)
    return remote


class Deploys:
    """Two commits of an app; its repository is where neither of them can be fetched, unless a test says so."""

    def __init__(self, machine: BuildMachine, remote: Remote, folder: Path) -> None:
        self.machine, self.remote = machine, remote
        self.repos = AppRepos(folder / "apps")
        self.first = self.app(remote.push({"number": "one\n"}))
        self.second = self.app(remote.push({"number": "two\n", "lib/new": "x\n"}))

    def app(self, commit: str) -> App:
        return influencer(repo=self.remote.url, commit=commit, build=None)

    def sent(self, base: App, to: App) -> Sent:
        pack = self.repos.thin_pack(self.remote.url, base.commit, to.commit)
        assert pack is not None
        return Sent(base.commit, pack)

    def build(self, app: App, sent: Sent, *, fetched: bool = False) -> None:
        away = app if fetched else app.model_copy(update={"repo": "file:///nowhere.git"})
        status, said = self.machine.run(build_script(away, sent=sent))
        assert (status, said.split()[0]) == (0, "built"), said
        assert self.machine.is_kept(app)
        release = self.machine.path(release_paths(app).release)
        assert {path.name for path in release.iterdir()} == set(
            git(self.remote.work, "ls-tree", "--name-only", app.commit).split()
        )
        assert (release / "large").read_bytes() == (self.remote.work / "large").read_bytes()
        assert (release / "number").read_text() == git(self.remote.work, "show", f"{app.commit}:number") + "\n"


@pytest.fixture
def deploys(machine: BuildMachine, remote: Remote, tmp_path: Path) -> Deploys:
    deploys = Deploys(machine, remote, tmp_path)
    machine.build(deploys.first)
    return deploys


def test_nothing_is_fetched(deploys: Deploys) -> None:
    before = deploys.machine.received(deploys.first)
    deploys.build(deploys.second, deploys.sent(deploys.first, deploys.second))
    assert deploys.machine.received(deploys.second) - before < 10_000


def test_one_pack_may_lean_on_another(deploys: Deploys) -> None:
    third = deploys.app(deploys.remote.push({"number": "three\n", "lib/new": None}))
    deploys.build(deploys.second, deploys.sent(deploys.first, deploys.second))
    deploys.build(third, deploys.sent(deploys.second, third))


def test_git_finds_the_mirror_whole_and_can_still_fetch_into_it(deploys: Deploys) -> None:
    deploys.build(deploys.second, deploys.sent(deploys.first, deploys.second))
    mirror = deploys.machine.path(release_paths(deploys.first).mirror)
    git(mirror, "fsck", "--strict")
    git(mirror, "gc", "--quiet", "--prune=now")
    third = deploys.app(deploys.remote.push({"number": "three\n"}))
    deploys.machine.build(third)
    git(mirror, "fsck", "--strict")
    assert set(deploys.machine.pinned(third)) == {deploys.first.commit, deploys.second.commit, third.commit}


def test_a_machine_that_has_not_what_it_leans_on_fetches(deploys: Deploys) -> None:
    other = deploys.app(deploys.remote.push({"number": "other\n"}))
    third = deploys.app(deploys.remote.push({"number": "three\n"}))
    deploys.build(third, deploys.sent(other, third), fetched=True)


@pytest.mark.parametrize("pack", [b"PACK", b"nothing of the sort", bytes(5000)])
def test_a_pack_that_is_damaged_is_no_matter(deploys: Deploys, pack: bytes) -> None:
    deploys.build(deploys.second, Sent(deploys.first.commit, pack), fetched=True)


def test_a_pack_of_another_commit_is_no_matter(deploys: Deploys) -> None:
    third = deploys.app(deploys.remote.push({"number": "three\n"}))
    sent = Sent(deploys.first.commit, deploys.sent(deploys.first, third).pack)
    deploys.build(deploys.second, sent, fetched=True)


def test_a_mirror_that_lost_what_it_leans_on_is_made_up_for(deploys: Deploys) -> None:
    mirror = deploys.machine.path(release_paths(deploys.first).mirror)
    sent = deploys.sent(deploys.first, deploys.second)
    for pack in (mirror / "objects/pack").iterdir():
        pack.unlink()
    deploys.build(deploys.second, sent, fetched=True)


@pytest.mark.parametrize("sent", [True, False])
def test_a_power_cut_that_left_an_empty_ref_is_made_up_for(deploys: Deploys, sent: bool) -> None:
    mirror = deploys.machine.path(release_paths(deploys.first).mirror)
    (mirror / "refs/flstr" / deploys.second.commit).touch()
    pack = deploys.sent(deploys.first, deploys.second) if sent else Sent(deploys.first.commit, b"")
    deploys.build(deploys.second, pack, fetched=not sent)


def test_a_disk_that_is_full_costs_nobody_the_mirror(deploys: Deploys) -> None:
    sent = deploys.sent(deploys.first, deploys.second)
    deploys.machine.install("tar", "cat >/dev/null; echo 'tar: No space left on device' >&2; exit 2")
    status, said = deploys.machine.run(build_script(deploys.second, sent=sent))
    assert (status, said) == (2, "tar: No space left on device")
    assert deploys.machine.pinned(deploys.first) != []


@pytest.mark.parametrize("left", [b"", b"1234", bytes(41)])
def test_other_refs_that_a_power_cut_left_are_dropped(deploys: Deploys, left: bytes) -> None:
    mirror = deploys.machine.path(release_paths(deploys.first).mirror)
    (mirror / "refs/flstr" / ("e" * 40)).write_bytes(left)
    deploys.build(deploys.second, deploys.sent(deploys.first, deploys.second))
    git(mirror, "fsck", "--strict")


def test_a_mirror_in_which_git_does_not_find_its_way_is_made_anew(deploys: Deploys) -> None:
    mirror = deploys.machine.path(release_paths(deploys.first).mirror)
    (mirror / "shallow").write_text("not a whole line")
    deploys.machine.build(deploys.second)
    assert deploys.machine.is_kept(deploys.second)
    git(mirror, "fsck", "--strict")
