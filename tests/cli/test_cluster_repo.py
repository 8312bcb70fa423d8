"""`flstr init` and `flstr lint`: a cluster repo from the example, and every fault of one named."""

import re
import subprocess
from pathlib import Path

import pytest

from cli import cluster_repo
from cli.pages.services import EXAMPLES
from gitops.manifests import load
from gitops.repository import ClusterRepo
from model.errors import Refused
from tests.cli.shell import Flstr, refused


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A cluster repo as a person gets it."""
    folder = tmp_path / "cluster"
    cluster_repo.init(folder)
    return folder


def test_what_init_makes_is_right(flstr: Flstr, repo: Path) -> None:
    done = flstr("lint", str(repo))
    assert (done.status, done.out) == (0, f"{repo} is right: 4 machines, 1 app\n")


def test_init_without_the_example_is_one_sentence(
    flstr: Flstr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a controller there is none."""
    monkeypatch.setattr(cluster_repo, "EXAMPLE", tmp_path / "nowhere")
    sentence = refused(flstr("init", str(tmp_path / "cluster")), 1)
    assert sentence.startswith("the example of a cluster repo is not installed with this flstr")
    assert not (tmp_path / "cluster").exists()


def test_what_it_shows_in_comments_is_right_as_well(flstr: Flstr, repo: Path) -> None:
    """With a name that leads to an ingress, an address that moves, https, workers that come and go, machines for services, and backups."""
    for path in (repo / "cluster.yaml", repo / "apps/influencer.yaml"):
        path.write_text(
            re.sub(r"(?m)^( *)# ( *(?:- |[a-z_]+:).*)$", r"\1\2", path.read_text()).replace("    port: 80\n", "")
        )
    done = flstr("lint", str(repo))
    assert (done.status, done.out) == (0, f"{repo} is right: 6 machines, 1 app\n")
    manifests = cluster_repo.lint(repo).manifests
    assert manifests.cluster.dns is not None
    assert list(manifests.cluster.floating_ips) == ["public"]
    assert manifests.cluster.backups is not None
    workers = manifests.cluster.pools["worker"]
    assert (workers.is_spread(), len(workers.otherwise), len(workers.schedule)) == (True, 2, 2)
    ((binding,),) = (app.ingress for app in manifests.apps.values())
    assert (binding.ssl, binding.public_port) == (True, 443)


def test_editors_find_the_schemas_that_the_manifests_name(repo: Path) -> None:
    for manifest in (repo / "cluster.yaml", repo / "apps/influencer.yaml"):
        named = manifest.read_text().splitlines()[0].partition("$schema=")[2]
        assert (manifest.parent / named).is_file()


def test_nothing_is_written_into_a_folder_that_holds_something(repo: Path) -> None:
    (repo / "cluster.yaml").write_text("mine\n")
    with pytest.raises(Refused, match="is not an empty folder; name a new one"):
        cluster_repo.init(repo)
    assert (repo / "cluster.yaml").read_text() == "mine\n"


def test_lint_names_every_fault_with_its_file_and_line(flstr: Flstr, repo: Path) -> None:
    app = repo / "apps/influencer.yaml"
    app.write_text(app.read_text().replace("instances: 2", "instances: many").replace("memory:", "memry:"))
    cluster = repo / "cluster.yaml"
    cluster.write_text(cluster.read_text().replace("channel: flstr", "chanel: flstr"))
    done = flstr("lint", str(repo))
    assert done.status == 1
    assert done.err.splitlines() == [
        "flstr: cluster.yaml:3: 'chanel' is not a known field; did you mean channel?",
        "flstr: apps/influencer.yaml:6: instances cannot be 'many'; write a number from 0 to 100",
    ]


def test_lint_of_broken_yaml_is_a_sentence(flstr: Flstr, repo: Path) -> None:
    (repo / "cluster.yaml").write_text("cluster: [\n")
    assert refused(flstr("lint", str(repo)), 1).startswith("cluster.yaml:2: this is not YAML: ")


def test_lint_of_something_else_than_text_is_a_sentence(flstr: Flstr, repo: Path) -> None:
    (repo / "cluster.yaml").write_bytes(b"\xff\xfe")
    assert "cannot be read" in refused(flstr("lint", str(repo)), 1)


def with_a_service(repo: Path) -> None:
    """A service of a playbook of the repository, on machines of their own."""
    (repo / "services").mkdir()
    (repo / "services/queue.yaml").write_text(EXAMPLES["queue"].replace("pool: service", "nodes: [service101]"))
    roles = repo / "playbooks/roles/queue/tasks"
    roles.mkdir(parents=True)
    (repo / "playbooks/queue.yml").write_text("- hosts: service:leaving\n")
    (roles / "main.yml").write_text("[]\n")


def test_a_folder_is_read_as_git_would_have_it(repo: Path, tmp_path: Path) -> None:
    with_a_service(repo)
    script = repo / "playbooks/roles/queue/files/run"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    (script.parent / "link").symlink_to("run")
    (repo / "playbooks/roles/empty/tasks").mkdir(parents=True)
    # Sorted after the folder `roles` by Git, though not by its name alone.
    (repo / "playbooks/roles-of-old").write_text("x")
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(repo), *words], check=True)
    read = cluster_repo.read(repo)
    cloned = ClusterRepo(str(repo), tmp_path / "cloned.git", "main")
    cloned.fetch()
    assert cloned.files(cloned.head()) == read
    assert set(read) >= {"services/queue.yaml", "playbooks/queue.yml", "playbooks"}
    before = read["playbooks"]
    (repo / "playbooks/roles/queue/tasks/main.yml").write_text("[{}]\n")
    assert cluster_repo.read(repo)["playbooks"] != before


def test_services_are_counted(repo: Path) -> None:
    with_a_service(repo)
    manifests = load(cluster_repo.read(repo))
    assert cluster_repo.counted(manifests) == "4 machines, 1 app, 1 service"


def test_what_is_wrong_with_a_service_is_named_with_its_line(flstr: Flstr, repo: Path) -> None:
    with_a_service(repo)
    (repo / "services/queue.yaml").write_text(EXAMPLES["queue"].replace("port: 5672\npublish", "prt: 5672\npublish"))
    sentence = refused(flstr("lint", str(repo)), 1)
    assert "services/queue.yaml:4: 'prt' is not a known field; did you mean port?" in sentence
