"""A cluster repo, an app repo, and a flstr on them: what gitops needs to be tried without machines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitops.store import Store
from tests.gitops.flstr import Flstr, assemble
from tests.gitops.remote import Remote
from tests.gitops.scene import CLUSTER_YAML, app_yaml


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


@pytest.fixture
def flstr(store: Store, cluster_remote: Remote, app_remote: tuple[Remote, str, str], tmp_path: Path) -> Iterator[Flstr]:
    """A worker and a desk that follow the cluster repo."""
    flstr = assemble(store, cluster_remote, app_remote, tmp_path)
    yield flstr
    flstr.desk.stop()
