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


def read(folder: Path) -> dict[str, str]:
    """The files of a cluster repo in a folder, by path. Raises `Refused`."""
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder; name a cluster repo")
    paths = [folder / "cluster.yaml", *(folder / "apps").rglob("*.yaml")]
    try:
        return {str(path.relative_to(folder)): path.read_text() for path in paths if path.is_file()}
    except (UnicodeDecodeError, OSError) as error:
        raise Refused(f"a manifest in {folder} cannot be read: {error}") from error
