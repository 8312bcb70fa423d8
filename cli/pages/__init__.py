"""Everything under `docs/` and in the example that is made from the code; `make docs` writes it anew."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel

from bot.help import commands_page
from cli.cluster_repo import EXAMPLE, SCHEMA_FOLDER
from cli.pages.manifests import manifests_page
from cli.pages.settings import settings_page
from cli.pages.shell import shell_section
from model.app import App
from model.cluster import Cluster
from model.schema import json_schema
from model.service import Service

DOCS = Path(__file__).parents[2] / "docs"


def schema_file(model: type[BaseModel]) -> str:
    """A JSON Schema as an editor reads it."""
    return json.dumps(json_schema(model), indent=2, ensure_ascii=False) + "\n"


PAGES: Mapping[Path, Callable[[], str]] = {
    DOCS / "commands.md": lambda: f"{commands_page()}\n{shell_section()}",
    DOCS / "manifests.md": manifests_page,
    DOCS / "settings.md": settings_page,
    EXAMPLE / SCHEMA_FOLDER / "cluster.json": lambda: schema_file(Cluster),
    EXAMPLE / SCHEMA_FOLDER / "app.json": lambda: schema_file(App),
    EXAMPLE / SCHEMA_FOLDER / "service.json": lambda: schema_file(Service),
}


def write(pages: Mapping[Path, Callable[[], str]] = PAGES) -> None:
    """Write every page."""
    for path, page in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page())
