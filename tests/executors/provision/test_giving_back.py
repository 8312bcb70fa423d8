"""Machines given back, against the lab's cloud."""

import threading

import pytest

from executors import provision
from executors.host_key import new_host_key
from executors.provision import Provision
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.errors import Fenced
from model.registered import HostRecord
from model.steps import DestroyNode
from tests.executors.provision.asking import NODE, create
from tests.lab.cloud.running_cloud import RunningCloud


def test_a_machine_given_back_is_gone_and_forgotten(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    provision_.create_node(create(), context)
    provision_.destroy_node(DestroyNode(node=NODE), context)
    assert cloud.client.servers.get_all() == []
    assert cloud.backend.machines == {}
    assert registry.host(NODE) is None
    provision_.destroy_node(DestroyNode(node=NODE), context)


def test_a_machine_that_appears_late_is_given_back_as_well(
    provision_: Provision,
    context: StepContext,
    cloud: RunningCloud,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provision, "LATE_SECONDS", 10.0)
    registry.put_host(HostRecord(node=NODE, host_key=new_host_key().public))
    late = threading.Timer(0.7, lambda: cloud.server(NODE, labels={"cluster": "small"}))
    late.start()
    provision_.destroy_node(DestroyNode(node=NODE), context)
    late.join()
    assert cloud.client.servers.get_all() == []
    assert registry.host(NODE) is None


def test_an_overtaken_controller_gives_nothing_back(
    provision_: Provision, context: StepContext, cloud: RunningCloud, store: Store
) -> None:
    provision_.create_node(create(), context)
    store.put(keys.LEADER, "another")
    overtaken = StepContext("op", Registry(store.fenced(Fence(keys.LEADER, 1))), HostFence(1), lambda line: None)
    with pytest.raises(Fenced):
        provision_.destroy_node(DestroyNode(node=NODE), overtaken)
    assert len(cloud.client.servers.get_all()) == 1


def test_a_machine_that_comes_again_has_another_host_key(
    provision_: Provision, context: StepContext, registry: Registry
) -> None:
    provision_.create_node(create(), context)
    first = registry.host(NODE)
    provision_.destroy_node(DestroyNode(node=NODE), context)
    provision_.create_node(create(), context)
    second = registry.host(NODE)
    assert first is not None
    assert second is not None
    assert first.host_key != second.host_key
