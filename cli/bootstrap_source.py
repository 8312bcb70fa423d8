"""What is to be bootstrapped: a cluster repo as the controllers will follow it, and whether it can be bootstrapped."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli import cluster_repo
from cli.settings import Settings
from gitops.lint import check
from gitops.lint_control import of_an_even_number
from gitops.manifests import APPS_FOLDER, CLUSTER_FILE, PLAYBOOKS, SERVICES_FOLDER, Manifests
from gitops.plan.bootstrap import controllers
from gitops.repository import ClusterRepo
from model.cluster import Cluster
from model.errors import Refused


@dataclass(frozen=True)
class Source:
    """A revision of a cluster repo, and where the controllers fetch it."""

    url: str
    revision: str
    manifests: Manifests

    @property
    def cluster(self) -> Cluster:
        """Its `cluster.yaml`."""
        return self.manifests.cluster


def read_source(place: str, settings: Settings) -> Source:
    """What a folder or an address of a repository says. Raises `Refused`."""
    folder = Path(place)
    url = _origin(folder) if place and folder.is_dir() else cluster_repo.address(place)
    with tempfile.TemporaryDirectory(prefix="flstr-") as temporary:
        repo = ClusterRepo(url, Path(temporary) / "cluster.git", settings.branch)
        repo.fetch()
        head = repo.head()
        files = repo.files(head)
    if folder.is_dir() and _manifests(cluster_repo.read(folder)) != _manifests(files):
        raise Refused(
            f"{folder} is not what {url} has on {settings.branch}, which is what the controllers follow; push it first"
        )
    manifests = check(files)
    if (reason := why_no_bootstrap(manifests.cluster)) is not None:
        raise Refused(f"cluster.yaml: {reason}")
    return Source(url, head, manifests)


def why_no_bootstrap(cluster: Cluster) -> str | None:
    """Why controllers cannot carry this cluster, or None. Pure."""
    count = len(controllers(cluster))
    if cluster.dissolved:
        return "`dissolved` says that the cluster is to go"
    if count == 0:
        return "no pool has the role controller; add one, with a count of 1 or 3"
    if count % 2 == 0:
        return of_an_even_number(count)
    if cluster.control_mesh() is None:
        return "no mesh has the controllers as its hubs; etcd listens there, so add one such as vpn_ctrl"
    return None


def is_of_this_machine(url: str) -> bool:
    """Whether nobody but this machine can fetch from an address of Git's: a path, as Git tells it from `host:path`."""
    before, colon, _ = url.partition(":")
    return url.startswith("file:") or not colon or "/" in before


def _origin(folder: Path) -> str:
    # A folder inside another repository, such as flstr's own, would be taken for that.
    if _git(folder, "rev-parse", "--show-prefix") != "":
        raise Refused(
            f"{folder} is not the top of a Git repository, and the controllers fetch the cluster repo; "
            "make it one with `git init`, and push it to where they reach it"
        )
    url = _git(folder, "remote", "get-url", "origin")
    if url is None:
        raise Refused(
            f"{folder} has no remote `origin`, and the controllers fetch the cluster repo from there; "
            "add one with `git remote add origin …`, and push"
        )
    return cluster_repo.address(url)


def _git(folder: Path, *words: str) -> str | None:
    """What Git says of a folder; None where it refuses."""
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.strip()


def _manifests(files: Mapping[str, str]) -> dict[str, str]:
    """What both have; in the folder of playbooks there may be more than is in Git, such as what is ignored there."""
    folders = (APPS_FOLDER, SERVICES_FOLDER, f"{PLAYBOOKS}/")
    return {path: text for path, text in files.items() if path == CLUSTER_FILE or path.startswith(folders)}
