"""Whether a service's playbook is there, and takes what the manifest tells it. Pure but for our own playbooks."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.manifests import FaultyManifests, parse
from gitops.playbook_files import options_of
from model.service import Service

Where = tuple[str | int, ...]

_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list, tuple),
    "dict": (dict,),
}
_WORDS = {
    "str": "a text",
    "path": "a path",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "fields and values",
}


def variable_faults(service: Service) -> Iterator[tuple[Where, str]]:
    """Variables are options of the role of our playbook, and of their type; those of others are theirs."""
    if service.ours is None or not service.variables:
        return
    options = options_of(service.playbook)
    for name, value in service.variables.items():
        where = ("variables", name)
        if name not in options:
            near = difflib.get_close_matches(name, options, n=1)
            more = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(options))}"
            yield where, f"'{name}' is no variable of {service.playbook}; {more}"
        elif wanted := _why_not(value, options[name]):
            shown = " ".join(str(value).split())[:60]
            yield where, f"{name} cannot be '{shown}'; write {wanted}"


def _why_not(value: object, option: Mapping[str, Any]) -> str:
    """What to write instead of a value; empty where that is one of the option's."""
    kind = option.get("type", "str")
    choices = option.get("choices")
    if choices and value not in choices:
        return f"one of {', '.join(map(str, choices))}"
    kinds = _KINDS.get(kind)
    if kinds is None:
        return ""
    # What is true is a number to Python, and to nobody else.
    fits = isinstance(value, kinds) and (kind == "bool" or not isinstance(value, bool))
    return "" if fits else _WORDS[kind]


def playbook_faults(service: Service, files: Mapping[str, str]) -> Iterator[tuple[Where, str]]:
    """A playbook of the cluster repo is a file there, and a list of plays."""
    if service.ours is not None:
        return
    where, path = ("playbook",), service.playbook
    if path not in files:
        yield (
            where,
            f"there is no {path} in the cluster repo; write it, or name one of redis, mongodb, elasticsearch, nginx",
        )
        return
    try:
        data = parse(path, files[path]).data
    except FaultyManifests as error:
        yield where, f"{error.faults[0]}"
        return
    plays = isinstance(data, list) and data and all(_is_play(one) for one in data)
    if not plays:
        yield (
            where,
            f"{path} is no playbook, which is a list of plays, each with its hosts; write `- hosts: service:leaving`",
        )


def _is_play(one: object) -> bool:
    return isinstance(one, dict) and (
        "hosts" in one or "import_playbook" in one or "ansible.builtin.import_playbook" in one
    )
