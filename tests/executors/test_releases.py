"""Releases: the script that builds one, and that script for real on a Git repository of this machine."""

import pytest

from executors.host_paths import release_paths
from executors.releases import build_script
from executors.script import wrapped
from gitops.executor import HostFence
from model.app import App
from tests.executors.example import influencer
from tests.executors.expected import FIXTURES, check, shellcheck

APPS = {
    "built": influencer(),
    "not-built": influencer(build=None, kind="frontend", app="shop", repo="git@git.example.com:shop.git"),
}


@pytest.mark.parametrize("name", APPS)
def test_the_script_that_builds(name: str) -> None:
    script = build_script(APPS[name])
    check(FIXTURES / "releases" / f"{name}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_a_release_is_a_commit_built_by_one_script() -> None:
    def name(app: App) -> str:
        return release_paths(app).name

    assert name(influencer()).startswith("1" * 40)
    assert name(influencer()) == name(influencer(run="other.sh", instances=5))
    assert name(influencer()) != name(influencer(build="other.sh"))
    assert name(influencer()) != name(influencer(build=None))


def test_apps_of_both_kinds_stand_apart() -> None:
    assert release_paths(influencer()).folder != release_paths(influencer(kind="frontend")).folder
