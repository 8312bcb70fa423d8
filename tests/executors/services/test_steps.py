"""What is noted of a service around its playbook's runs, which the test only counts."""

from typing import cast

import pytest

from executors.services.playbooks import Playbooks
from executors.services.steps import Services
from executors.services.told import PlaybookRun
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import service_keys
from model.registered import ServiceRecord
from model.service import Service
from model.service_steps import ApplyService, NoteService

BEFORE = {
    "service": "books",
    "playbook": "mongodb",
    "nodes": ["service101", "service102"],
    "publish": {"port": 27017},
    "env_prefix": "BOOKS",
    "users": {"shop": {}, "site": {}},
}
NODES = ("service101", "service102")


class Played:
    """Playbooks that do nothing."""

    def __init__(self) -> None:
        self.runs: list[PlaybookRun] = []

    def run(self, run: PlaybookRun, context: StepContext) -> None:
        del context
        self.runs.append(run)


class Scene:
    """MongoDB with two users, as it was installed."""

    def __init__(self, store: Store) -> None:
        self.store, self.registry = store, Registry(store)
        self.played = Played()
        self.services = Services(cast("Playbooks", self.played))
        self.context = StepContext("op", self.registry, HostFence(1), lambda _: None)
        service = Service.model_validate(BEFORE)
        self.registry.put_service(ServiceRecord(service=service, nodes=NODES, restored="a", digest="0" * 16))
        for secret in ("admin", "keyfile", "user-shop", "user-site"):
            store.put(service_keys.secret("books", secret), secret)
        store.put(service_keys.secret("other", "user-site"), "of another")

    def record(self) -> ServiceRecord:
        record = self.registry.read().services["books"].record
        assert record is not None
        return record

    def secrets(self) -> list[str]:
        prefix = service_keys.secrets("books")
        return sorted(key.removeprefix(prefix) for key in self.store.names(prefix))


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


def test_what_it_was_brought_to_is_noted_with_machines_that_were_silent(scene: Scene) -> None:
    service = Service.model_validate(BEFORE)
    step = ApplyService(service=service, nodes=NODES[:1], silent=NODES[1:], digest="1" * 16)
    scene.services.apply(step, scene.context)
    (run,) = scene.played.runs
    assert (run.nodes, run.silent, run.action) == (NODES[:1], NODES[1:], "apply")
    assert scene.record() == ServiceRecord(
        service=service, nodes=NODES[:1], silent=NODES[1:], restored="a", digest="1" * 16
    )


def test_the_password_of_a_user_that_is_gone_is_forgotten(scene: Scene) -> None:
    """So that one who comes again has another."""
    service = Service.model_validate({**BEFORE, "users": {"shop": {}}})
    scene.services.apply(ApplyService(service=service, nodes=NODES, digest="1" * 16), scene.context)
    assert scene.secrets() == ["admin", "keyfile", "user-shop"]
    assert scene.store.get(service_keys.secret("other", "user-site")) == "of another"


def test_what_no_playbook_is_told_is_noted_beside_the_rest(scene: Scene) -> None:
    service = Service.model_validate({**BEFORE, "backup": {"keep": 30}})
    before = scene.record()
    scene.services.note(NoteService(service=service), scene.context)
    assert scene.played.runs == []
    assert scene.record() == before.model_copy(update={"service": service})
