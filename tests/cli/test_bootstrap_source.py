"""What can be bootstrapped: manifests whose controllers can carry a cluster, as the controllers will fetch them."""

import subprocess
from pathlib import Path

import pytest

from cli.bootstrap_source import read_source, why_no_bootstrap
from cli.cluster_repo import init
from cli.settings import Settings
from model.cluster import Cluster
from model.errors import Refused

MESH = {"vpn_ctrl": {"subnet": "10.110.0.0/24", "port": 655, "hubs": ["controller"]}}
SETTINGS = Settings()


def git(folder: Path, *words: str) -> None:
    person = ["-c", "user.name=A Person", "-c", "user.email=person@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *person, *words], check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example, pushed."""
    remote, folder = tmp_path / "remote.git", tmp_path / "cluster"
    remote.mkdir()
    git(remote, "init", "--bare")
    init(folder)
    text = (folder / "cluster.yaml").read_text()
    (folder / "cluster.yaml").write_text(text)
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "The example")
    git(folder, "remote", "add", "origin", str(remote))
    git(folder, "push", "origin", "HEAD:main")
    return folder


def cluster(count: int, **fields: object) -> Cluster:
    pools = {"controller": {"role": "controller", "count": count}, "worker": {"role": "worker", "count": 1}}
    return Cluster.model_validate({"cluster": "small", "pools": pools, "meshes": MESH, **fields})


@pytest.mark.parametrize("count", [1, 3, 5])
def test_an_odd_number_of_controllers_in_a_mesh_of_theirs_can_carry_it(count: int) -> None:
    assert why_no_bootstrap(cluster(count)) is None


def test_what_cannot_carry_it_is_said_with_what_would_be_right() -> None:
    assert why_no_bootstrap(cluster(0)) == "no pool has the role controller; add one, with a count of 1 or 3"
    assert why_no_bootstrap(cluster(2)) == "2 controllers endure no more losses than 1; take an odd number"
    no_mesh = why_no_bootstrap(cluster(3, meshes={}))
    assert no_mesh == "no mesh has the controllers as its hubs; etcd listens there, so add one such as vpn_ctrl"
    assert why_no_bootstrap(cluster(3, dissolved=True)) == "`dissolved` says that the cluster is to go"


def test_a_folder_is_read_where_the_controllers_will_fetch_it(folder: Path, tmp_path: Path) -> None:
    source = read_source(str(folder), SETTINGS)
    assert source.url == str(tmp_path / "remote.git")
    assert len(source.revision) == 40


def test_an_address_is_read_as_well(folder: Path, tmp_path: Path) -> None:
    address = f"file://{tmp_path}/remote.git"
    assert read_source(address, SETTINGS).url == address


def test_what_was_not_pushed_is_refused(folder: Path) -> None:
    with (folder / "cluster.yaml").open("a") as file:
        file.write("# not pushed\n")
    with pytest.raises(Refused, match=r"is not what .*remote\.git has on main.*push it first"):
        read_source(str(folder), SETTINGS)


def test_a_folder_without_a_remote_is_refused(folder: Path) -> None:
    git(folder, "remote", "remove", "origin")
    with pytest.raises(Refused, match="has no remote `origin`"):
        read_source(str(folder), SETTINGS)


def test_a_repository_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing-here"):
        read_source(str(tmp_path / "nothing-here.git"), SETTINGS)
