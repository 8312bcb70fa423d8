"""Cluster repos on disk: made from the example, and checked."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from gitops.lint import check
from gitops.manifests import Manifests
from model.app import App
from model.cluster import Cluster
from model.errors import Refused

SCHEMAS: Mapping[str, type[BaseModel]] = {"cluster.json": Cluster, "app.json": App}
SCHEMA_FOLDER = ".schema"
EXAMPLE = Path(__file__).parents[1] / "cluster-repo-example"


def init(folder: Path) -> None:
    """Copy the example into a folder that is new or empty. Raises `Refused`."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is not an empty folder; name a new one")
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    write_schemas(folder)


def write_schemas(folder: Path) -> None:
    """Write the JSON Schemas that the first line of each manifest points editors to."""
    (folder / SCHEMA_FOLDER).mkdir(parents=True, exist_ok=True)
    for name, model in SCHEMAS.items():
        (folder / SCHEMA_FOLDER / name).write_text(json.dumps(model.model_json_schema(by_alias=True), indent=2) + "\n")


def lint(folder: Path) -> Manifests:
    """The manifests of a folder. Raises `FaultyManifests`."""
    return check(_read(folder))


def _read(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder; name a cluster repo")
    paths = [folder / "cluster.yaml", *(folder / "apps").glob("*.yaml")]
    try:
        return {str(path.relative_to(folder)): path.read_text() for path in paths if path.is_file()}
    except (UnicodeDecodeError, OSError) as error:
        raise Refused(f"a manifest in {folder} cannot be read: {error}") from error
