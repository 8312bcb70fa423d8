"""The script that builds, on a machine of one folder: what is fetched from a real Git repository, and what is kept."""

import os
from pathlib import Path

import pytest

from executors.host_paths import release_paths
from executors.instances import stop_script
from executors.kept_releases import rollback_commits
from executors.releases import build_script
from executors.script import FAULTY_RELEASE_STATUS
from model.app import App
from model.registered import Registered, RegisteredApp, Stable
from tests.executors.build_machine import BuildMachine
from tests.executors.example import influencer
from tests.gitops.remote import Remote, git

LARGE = 5_000_000


@pytest.fixture
def machine(tmp_path: Path) -> BuildMachine:
    return BuildMachine(tmp_path / "machine")


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A repository with a script that runs, and a large file that never changes."""
    folder = tmp_path / "git"
    folder.mkdir()
    remote = Remote(folder)
    (remote.work / "large").write_bytes(os.urandom(LARGE))
    (remote.work / "run.sh").touch(0o755)
    (remote.work / "run.sh").chmod(0o755)
    return remote


def app(remote: Remote, commit: str, **changes: object) -> App:
    return influencer(repo=remote.url, commit=commit, build=None, **changes)


def pushed(remote: Remote, count: int, **changes: object) -> list[App]:
    """The app at so many commits, one after the other."""
    return [app(remote, remote.push({"number": f"{number}\n"}), **changes) for number in range(count)]


def test_the_second_deploy_fetches_only_what_is_new(machine: BuildMachine, remote: Remote) -> None:
    first, second = pushed(remote, 2)
    machine.build(first)
    after_first = machine.received(first)
    assert after_first > LARGE
    machine.build(second)
    assert machine.received(second) - after_first < 10_000
    assert machine.path(release_paths(second).release).joinpath("large").stat().st_size == LARGE


def test_a_server_that_hands_out_no_bare_commits_is_fetched_from_as_a_whole_and_then_only_what_is_new(
    machine: BuildMachine, remote: Remote
) -> None:
    first, second = pushed(remote, 2)
    # Only the old protocol lets a server refuse.
    git(remote.bare, "config", "uploadpack.allowAnySHA1InWant", "false")
    machine.install("git", 'exec /usr/bin/git -c protocol.version=0 "$@"')
    machine.build(first)
    assert not (machine.path(release_paths(first).mirror) / "shallow").exists()
    whole = machine.received(first)
    third = app(remote, remote.push({"number": "three\n"}))
    machine.build(third)
    machine.build(second)
    assert machine.received(third) - whole < 10_000
    assert all(machine.is_kept(one) for one in (first, second, third))


def test_what_was_pruned_is_fetched_again_when_it_is_wanted(machine: BuildMachine, remote: Remote) -> None:
    apps = pushed(remote, 3, keep_releases=1)
    for one in apps:
        machine.build(one)
    mirror = machine.path(release_paths(apps[0]).mirror)
    git(mirror, "gc", "--quiet", "--prune=now")
    assert git(mirror, "cat-file", "--batch-check=%(objecttype)", "--batch-all-objects").split().count("commit") == 1
    machine.build(apps[0])
    assert machine.is_kept(apps[0])


def test_the_mirror_does_not_grow_by_releases_that_are_gone(machine: BuildMachine, remote: Remote) -> None:
    for _ in range(14):
        (remote.work / "large").write_bytes(os.urandom(100_000))
        (one,) = pushed(remote, 1, keep_releases=1)
        machine.build(one)
    packs = machine.path(release_paths(one).mirror) / "objects/pack"
    assert len(list(packs.glob("*.pack"))) <= 11
    assert machine.received(one) < 12 * 100_000


def test_a_machine_keeps_the_newest_releases(machine: BuildMachine, remote: Remote) -> None:
    apps = pushed(remote, 5, keep_releases=2)
    for one in apps:
        machine.build(one)
    assert [machine.is_kept(one) for one in apps] == [False, False, False, True, True]


def test_a_release_that_is_wanted_again_is_a_new_one(machine: BuildMachine, remote: Remote) -> None:
    first, second, third = pushed(remote, 3, keep_releases=2)
    for one in (first, second, first, third):
        machine.build(one)
    assert [machine.is_kept(one) for one in (first, second, third)] == [True, False, True]


def test_a_release_that_runs_is_never_pruned(machine: BuildMachine, remote: Remote) -> None:
    apps = pushed(remote, 4, keep_releases=1)
    machine.build(apps[0])
    machine.runs(apps[0], "1-0a1b2c3d")
    for one in apps[1:]:
        machine.build(one)
    assert [machine.is_kept(one) for one in apps] == [True, False, False, True]


def test_a_release_that_a_rollback_needs_is_never_pruned(machine: BuildMachine, remote: Remote) -> None:
    apps = pushed(remote, 5, keep_releases=1)
    stable = Stable(app=apps[1], spec="0a1b2c3d", revision="r", at=0, before=apps[0].commit)
    registered = Registered(apps={("backend", "influencer"): RegisteredApp(stable=stable)})
    needed = rollback_commits("backend", "influencer", registered)
    for one in apps:
        machine.build(one, needed)
    assert [machine.is_kept(one) for one in apps] == [True, True, False, False, True]
    stop = stop_script("backend", "influencer", "1-0a1b2c3d", needed)
    assert machine.run(stop)[0] == 0
    assert [machine.is_kept(one) for one in apps] == [True, True, False, False, True]


def test_stopping_an_instance_prunes_what_it_ran_from(machine: BuildMachine, remote: Remote) -> None:
    old, new = pushed(remote, 2, keep_releases=1)
    machine.build(old)
    machine.runs(old, "1-0a1b2c3d")
    machine.build(new)
    assert machine.is_kept(old)
    assert machine.run(stop_script("backend", "influencer", "1-0a1b2c3d"))[0] == 0
    assert [machine.is_kept(old), machine.is_kept(new)] == [False, True]


def test_the_logs_of_builds_that_failed_are_kept_to_the_same_number(machine: BuildMachine, remote: Remote) -> None:
    (one,) = pushed(remote, 1, keep_releases=2)
    machine.build(one)
    releases = machine.path(release_paths(one).folder) / "releases"
    for number in range(4):
        log = releases / f"{str(number) * 40}-00000000.build.log"
        log.touch()
        os.utime(log, (number, number))
    (releases / f"{release_paths(one).name}.build.log").touch()
    assert machine.run(stop_script("backend", "influencer", "1-0a1b2c3d"))[0] == 0
    left = sorted(path.name[:3] for path in releases.glob("*.build.log"))
    assert left == sorted(["222", "333", one.commit[:3]])


def test_a_commit_whose_script_cannot_run_is_at_fault_itself(machine: BuildMachine, remote: Remote) -> None:
    (one,) = pushed(remote, 1, run="start.sh")
    status, said = machine.run(build_script(one))
    assert (status, said) == (
        FAULTY_RELEASE_STATUS,
        f"start.sh is not in commit {one.commit[:8]} of influencer",
    )
    (remote.work / "run.sh").chmod(0o644)
    (one,) = pushed(remote, 1)
    status, said = machine.run(build_script(one))
    assert (status, said) == (
        FAULTY_RELEASE_STATUS,
        "run.sh of influencer cannot be executed; git update-index --chmod=+x run.sh makes it so",
    )


def test_a_repository_or_a_commit_that_is_not_there_is_no_fault_of_the_release(
    machine: BuildMachine, remote: Remote
) -> None:
    pushed(remote, 1)
    missing = app(remote, "f" * 40)
    assert machine.run(build_script(missing)) == (1, f"commit {'f' * 40} does not exist in {remote.url}")
    gone = missing.model_copy(update={"repo": "file:///nowhere.git"})
    status, said = machine.run(build_script(gone))
    assert status == 1
    assert said.startswith("file:///nowhere.git cannot be fetched: ")


def test_how_many_are_kept_is_no_reason_to_start_an_instance_anew() -> None:
    assert influencer(keep_releases=1).spec() == influencer(keep_releases=50).spec()
    # What a build may use is: a release that failed for it is tried again.
    assert influencer(build_memory="1G").spec() != influencer(build_memory="2G").spec()


def test_a_line_that_a_power_cut_left_empty_stops_no_build(machine: BuildMachine, remote: Remote) -> None:
    first, second = pushed(remote, 2)
    machine.build(first)
    folder = machine.path(release_paths(first).folder)
    for name in ("wanted", "keep", "building"):
        (folder / name).write_text("")
    machine.build(second)
    assert machine.is_kept(second)


def test_commits_that_were_never_built_are_not_kept_for_ever(machine: BuildMachine, remote: Remote) -> None:
    missing = pushed(remote, 12, keep_releases=1, run="start.sh")
    for one in missing:
        assert machine.run(build_script(one))[0] == FAULTY_RELEASE_STATUS
    (last,) = pushed(remote, 1, keep_releases=1)
    machine.build(last)
    assert machine.pinned(last) == [last.commit]


def test_a_file_with_an_odd_name_is_a_file(machine: BuildMachine, remote: Remote) -> None:
    odd = app(remote, remote.push({"...": "dots\n", " a b/-c": "x\n"}))
    machine.build(odd)
    release = machine.path(release_paths(odd).release)
    assert (release / "...").read_text() == "dots\n"
    assert (release / " a b/-c").read_text() == "x\n"
