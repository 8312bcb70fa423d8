"""Cluster repos on disk: made from the example, and checked."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitops.lint import check
from gitops.lint_control import controller_warnings
from gitops.lint_units import warnings
from gitops.manifests import Fault, Manifests
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
    """`4 machines, 1 app`."""
    nodes, apps = len(manifests.cluster.nodes()), len(manifests.apps)
    return f"{nodes} {'machine' if nodes == 1 else 'machines'}, {apps} {'app' if apps == 1 else 'apps'}"


def address(url: str) -> str:
    """The Git address of a cluster repo, where it is one that may be shown. Raises `Refused`."""
    if not url or url.startswith("-"):
        raise Refused(f"'{url}' is neither a folder nor a Git address; name a cluster repo")
    try:
        return without_secret(url)
    except ValueError as error:
        raise Refused(f"the address of the cluster repo: {error}") from None


def read(folder: Path) -> dict[str, str]:
    """The files of a cluster repo in a folder, by path. Raises `Refused`."""
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder; name a cluster repo")
    paths = [folder / "cluster.yaml", *(folder / "apps").rglob("*.yaml")]
    try:
        return {str(path.relative_to(folder)): path.read_text() for path in paths if path.is_file()}
    except (UnicodeDecodeError, OSError) as error:
        raise Refused(f"a manifest in {folder} cannot be read: {error}") from error
