"""What is made from the code is committed as the code makes it."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from cli.pages import PAGES
from cli.settings import Settings, variable_of
from gitops.playbook_files import options_of
from model.app import App
from model.cluster import Cluster
from model.playbooks import OURS
from model.schema import json_schema
from model.service import Service

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_generated_page_is_current(path: Path) -> None:
    assert path.read_text() == PAGES[path](), f"{path.relative_to(ROOT)} is not current; run `make docs` and look at it"


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/**/*.md")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_heading_stands_by_itself(path: Path) -> None:
    """One right below a list is read as part of it."""
    text = re.sub(r"(?ms)^( *)```.*?^\1```$", "", path.read_text())
    assert re.findall(r"(?m)^\S.*\n#+ .*$", text) == []


def test_every_setting_is_on_the_page_of_settings_and_no_secret_has_a_default() -> None:
    page = PAGES[ROOT / "docs/settings.md"]()
    for name in Settings.model_fields:
        assert f"| `{variable_of(name)}` | " in page
    assert "**" not in page


@pytest.mark.parametrize("model", [Cluster, App, Service])
def test_every_part_of_a_manifest_has_its_table(model: type[BaseModel]) -> None:
    """`see below` would lead nowhere."""
    page = PAGES[ROOT / "docs/manifests.md"]()
    for name, part in json_schema(model).get("$defs", {}).items():
        # Of what may be any value there is nothing to say.
        rows = [f"| `{field}` | {schema['description']} | " for field, schema in part.get("properties", {}).items()]
        assert all(row in page for row in rows), name


def test_what_has_two_forms_is_shown_with_both() -> None:
    page = PAGES[ROOT / "docs/manifests.md"]()
    assert "| a list, each 1 to 63 of letters, digits, _ and -, or fields and their values, see below | " in page


def test_every_option_of_a_playbook_of_ours_is_on_the_page_of_manifests() -> None:
    page = PAGES[ROOT / "docs/manifests.md"]()
    for playbook in OURS:
        assert f"### `variables` of the playbook `{playbook}`\n" in page
        try:
            options = options_of(playbook)
        except FileNotFoundError:
            continue
        assert all(f"| `{option}` | " in page for option in options)


def test_every_command_of_the_shell_is_on_the_page_of_commands() -> None:
    page = PAGES[ROOT / "docs/commands.md"]()
    for line in (
        "flstr init <folder>",
        "flstr serve",
        "flstr lab up [name] [--port …] [--no-serve]",
        "flstr plan [folder, command or branch]",
        "flstr upgrade [--settings]",
    ):
        assert f"| `{line}` | " in page
