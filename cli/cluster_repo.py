"""Cluster repos on disk: made from the example, and checked."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.tree_id import tree_id
from gitops.lint import check
from gitops.lint_control import controller_warnings
from gitops.lint_units import warnings
from gitops.manifests import APPS_FOLDER, CLUSTER_FILE, PLAYBOOKS, SERVICES_FOLDER, Fault, Manifests
from model.errors import Refused
from model.names import without_secret

SCHEMA_FOLDER = ".schema"
EXAMPLE = Path(__file__).parents[1] / "cluster-repo-example"


def init(folder: Path) -> None:
    """Copy the example into a folder that is new or empty. Raises `Refused`."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is not an empty folder; name a new one")
    if not EXAMPLE.is_dir():
        raise Refused(
            "the example of a cluster repo is not installed with this flstr; run `init` from a checkout of flstr"
        )
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)


@dataclass(frozen=True)
class Linted:
    """Manifests that are right, and what is to be said of them all the same."""

    manifests: Manifests
    warnings: Sequence[Fault]


def lint(folder: Path) -> Linted:
    """The manifests of a folder. Raises `FaultyManifests`."""
    files = read(folder)
    manifests = check(files)
    return Linted(manifests, [*controller_warnings(files, manifests), *warnings(files, manifests)])


def counted(manifests: Manifests) -> str:
    """`4 machines, 1 app`, and services where there are any."""
    nodes, apps, services = len(manifests.cluster.nodes()), len(manifests.apps), len(manifests.services)
    counts = [(nodes, "machine"), (apps, "app"), *([(services, "service")] if services else [])]
    return ", ".join(f"{count} {name if count == 1 else f'{name}s'}" for count, name in counts)


def address(url: str) -> str:
    """The Git address of a cluster repo, where it is one that may be shown. Raises `Refused`."""
    if not url or url.startswith("-"):
        raise Refused(f"'{url}' is neither a folder nor a Git address; name a cluster repo")
    try:
        return without_secret(url)
    except ValueError as error:
        raise Refused(f"the address of the cluster repo: {error}") from None


def read(folder: Path) -> dict[str, str]:
    """The files of a cluster repo in a folder, by path, as `ClusterRepo.files` has them. Raises `Refused`."""
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder; name a cluster repo")
    paths = [
        folder / CLUSTER_FILE,
        *(folder / APPS_FOLDER).rglob("*.yaml"),
        *(folder / SERVICES_FOLDER).rglob("*.yaml"),
    ]
    playbooks = folder / PLAYBOOKS
    paths += [path for path in playbooks.glob("*") if path.suffix in (".yml", ".yaml")]
    try:
        files = {str(path.relative_to(folder)): path.read_text() for path in paths if path.is_file()}
        return files | ({PLAYBOOKS: tree_id(playbooks)} if playbooks.is_dir() else {})
    except (UnicodeDecodeError, OSError) as error:
        raise Refused(f"a manifest in {folder} cannot be read: {error}") from error
