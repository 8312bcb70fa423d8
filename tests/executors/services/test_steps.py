"""What is noted of a service around its playbook's runs, which the test only counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from executors.services.kept import Keeping, KeptService, kept_file
from executors.services.playbooks import Playbooks
from executors.services.steps import Services
from executors.services.told import PlaybookRun
from executors.ssh import Ssh
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import service_keys
from model.registered import ServiceRecord
from model.service import Service
from model.service_steps import ApplyService, NoteService, RemoveService
from tests.executors.sshd import LoopbackSshd

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

    def __init__(self, store: Store, sshd: LoopbackSshd, folder: Path) -> None:
        self.store, self.registry = store, Registry(store)
        self.played = Played()
        self.ssh = Ssh(self.registry.host, sshd.client_key, sshd.port, str(folder))
        self.services = Services(cast("Playbooks", self.played), Keeping(self.ssh, str(folder)), lambda: 5.0)
        for node in NODES:
            self.registry.put_host(sshd.record(node))
        self.file = Path(kept_file("books", str(folder)))
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
def scene(store: Store, sshd: LoopbackSshd, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(store, sshd, tmp_path)
    yield scene
    scene.ssh.close()


def test_what_it_was_brought_to_is_noted_with_machines_that_were_silent(scene: Scene) -> None:
    service = Service.model_validate(BEFORE)
    step = ApplyService(service=service, nodes=NODES[:1], silent=NODES[1:], digest="1" * 16)
    scene.services.apply(step, scene.context)
    (run,) = scene.played.runs
    assert (run.nodes, run.silent, run.action) == (NODES[:1], NODES[1:], "apply")
    assert scene.record() == ServiceRecord(
        service=service, nodes=NODES[:1], silent=NODES[1:], restored="a", digest="1" * 16, at=5.0
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
    assert scene.record() == before.model_copy(update={"service": service, "at": 5.0})
    assert KeptService.model_validate_json(scene.file.read_text()).record == scene.record()


def test_its_machines_keep_what_an_etcd_that_is_lost_would_know_for_as_long_as_it_is_there(scene: Scene) -> None:
    service = Service.model_validate(BEFORE)
    scene.services.apply(ApplyService(service=service, nodes=NODES, digest="1" * 16), scene.context)
    kept = KeptService.model_validate_json(scene.file.read_text())
    assert kept.record == scene.record()
    # As they are in etcd, which is sealed.
    assert kept.secrets == {one: one for one in ("admin", "keyfile", "user-shop", "user-site")}
    assert (scene.file.stat().st_mode & 0o777, scene.file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    scene.services.remove(RemoveService(service=service, nodes=NODES[1:]), scene.context)
    assert not scene.file.exists()


def test_a_machine_that_does_not_answer_holds_up_nobody(scene: Scene) -> None:
    gone = scene.registry.read().hosts[NODES[0]].model_copy(update={"ip": "127.0.0.9"})
    scene.registry.put_host(gone)
    service = Service.model_validate(BEFORE)
    scene.services.apply(ApplyService(service=service, nodes=NODES, digest="1" * 16), scene.context)
    assert KeptService.model_validate_json(scene.file.read_text()).record == scene.record()
