"""Whether a service's playbook is there, and takes what the manifest tells it. Pure but for our own playbooks."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.manifests import FaultyManifests, parse
from gitops.option_forms import in_words, takes
from gitops.playbook_files import options_of
from model.service import Service

Where = tuple[str | int, ...]


def variable_faults(service: Service, machines: int) -> Iterator[tuple[Where, str]]:
    """Variables are options of the role of our playbook, and what these take; those of others are theirs.

    `machines` is how many there are for it.
    """
    if service.ours is None or not service.variables:
        return
    options, right = options_of(service.playbook), True
    for name, value in service.variables.items():
        where = ("variables", name)
        if name not in options:
            near = difflib.get_close_matches(name, options, n=1)
            more = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(options))}"
            yield where, f"'{name}' is no variable of {service.playbook}; {more}"
        elif not takes(name, options[name], value):
            right = False
            shown = " ".join(str(value).split())[:60]
            yield where, f"{name} cannot be '{shown}'; write {in_words(name, options[name])}"
    if right:
        yield from _together(service.variables, machines)


def _together(variables: Mapping[str, Any], machines: int) -> Iterator[tuple[Where, str]]:
    """What several variables, or one and the machines, make of each other."""
    if variables.get("nginx_uploads") and machines > 1:
        sentence = f"nginx_uploads needs one machine and there are {machines}, to which nothing would bring the files"
        yield ("variables", "nginx_uploads"), f"{sentence}; name one under nodes"
    if variables.get("nginx_uploads") and variables.get("nginx_spa_fallback"):
        sentence = "nginx_uploads and nginx_spa_fallback exclude one another; a path without a file is where uploads go"
        yield ("variables", "nginx_spa_fallback"), f"{sentence}, so take one of the two out"
    replicas = variables.get("redis_replicas_to_write", 0)
    if 0 < machines <= replicas:
        sentence = f"redis_replicas_to_write is {replicas}, and the leader would take no writes; there can be"
        yield ("variables", "redis_replicas_to_write"), f"{sentence} {machines - 1}, one less than machines"


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
