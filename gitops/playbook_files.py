"""The project's own playbooks: where they are, the options of their roles, and what they are by digest."""

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).resolve().parents[1] / "playbooks"
# What flstr itself tells a playbook; a manifest cannot.
OWN_OPTIONS = "flstr_"


@functools.cache
def digest_of(playbook: str) -> str:
    """Sixteen digits that change with anything that one of our playbooks does."""
    digest = hashlib.sha256()
    files = [FOLDER / f"{playbook}.yml", *sorted((FOLDER / "roles").rglob("*"))]
    for file in files:
        name = file.relative_to(FOLDER)
        if file.is_file() and (len(name.parts) == 1 or name.parts[1] in (playbook, "flstr")):
            digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


@functools.cache
def options_of(playbook: str) -> Mapping[str, Mapping[str, Any]]:
    """What a manifest may tell one of our playbooks: the options of its role, as `meta/argument_specs.yml` has them."""
    path = FOLDER / "roles" / playbook / "meta" / "argument_specs.yml"
    options: dict[str, Mapping[str, Any]] = YAML(typ="safe").load(path)["argument_specs"]["main"]["options"]
    return {name: option for name, option in options.items() if not name.startswith(OWN_OPTIONS)}
