"""The lab's cloud, and machines whose answers are canned."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from executors import provision
from executors.cloud import CloudSettings
from executors.provision import Provision
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from tests.executors.clusters import cluster
from tests.executors.provision.asking import KEYS
from tests.executors.scripted import ScriptedRemote
from tests.executors.sshd import make_key
from tests.lab.cloud.running_cloud import TOKEN, RunningCloud


@pytest.fixture
def cloud() -> Iterator[RunningCloud]:
    cloud = RunningCloud()
    yield cloud
    cloud.stop()


@pytest.fixture
def failures() -> list[StepFailed]:
    """What comes of the first scripts, one after the other."""
    return []


@pytest.fixture
def hosts(failures: list[StepFailed]) -> ScriptedRemote:
    """Machines that answer with their mesh keys."""

    def answer(node: str, script: str) -> str:
        if failures:
            raise failures.pop(0)
        return KEYS

    return ScriptedRemote(answer)


@pytest.fixture
def registry(store: Store) -> Registry:
    store.put(keys.CLUSTER, cluster("small").to_json())
    return Registry(store)


@pytest.fixture
def context(registry: Registry) -> StepContext:
    return StepContext("op", registry, HostFence(1), lambda line: None)


@pytest.fixture
def settings(cloud: RunningCloud, tmp_path: Path) -> CloudSettings:
    return CloudSettings(TOKEN, make_key(tmp_path / "client"), cloud.url)


@pytest.fixture
def provision_(hosts: ScriptedRemote, settings: CloudSettings, monkeypatch: pytest.MonkeyPatch) -> Provision:
    monkeypatch.setattr(provision, "LATE_SECONDS", 0.2)
    monkeypatch.setattr(provision, "RETRY_SECONDS", 0.01)
    return Provision(hosts, settings)
