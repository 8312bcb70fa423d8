"""Clusters as etcd holds them, from `fixtures/routing/`, and the app of the example cluster repo."""

import json

from ruamel.yaml import YAML

from gitops.registered_tree import parse
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.app import App
from model.registered import Registered
from tests.executors.expected import FIXTURES

ROUTING_FIXTURES = FIXTURES / "routing"
CASES = ("empty", "example", "several", "secure")
FIRST = "1" * 40


def registered_keys(case: str = "example") -> dict[str, str]:
    """The keys and values of a case."""
    found = YAML(typ="safe").load(ROUTING_FIXTURES / case / "registered.yaml")
    return {key: json.dumps(value) for key, value in found.items()}


def registered(case: str = "example") -> Registered:
    """The tree of a case."""
    return parse(registered_keys(case))


def leading(store: Store, case: str = "example") -> Registry:
    """The registry of a case, as the controller that leads has it."""
    store.write(registered_keys(case))
    store.put(keys.LEADER, "this test")
    return Registry(store.fenced(Fence(keys.LEADER, store.create_revision(keys.LEADER) or 0)))


def no_pack(url: str, base: str, commit: str) -> None:
    """Of commits that the controller has not."""
    del url, base, commit


def influencer(**changes: object) -> App:
    """The app of the example cluster repo."""
    fields: dict[str, object] = {
        "app": "influencer",
        "kind": "backend",
        "repo": "git://git.example.com/influencer.git",
        "commit": FIRST,
        "instances": 2,
        "build": "build.sh",
        "run": "run.sh",
        "health": {"path": "/health"},
        "update": {"healthy_deadline": "30s"},
        "publish": {"port": 5001},
        "env_prefix": "INFLUENCER",
        "env": {"PROTOCOL": "http", "PATH": "/"},
        "ingress": [{"host": "influencer.flstr.lab"}],
    }
    return App.model_validate(fields | changes)
