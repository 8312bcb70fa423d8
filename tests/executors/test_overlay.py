"""Machines enter the overlay: who is told what, and whom one that is not there holds up."""

import re

import pytest

from executors.overlay import OverlayNetwork
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.names import Role
from model.registered import HostRecord, NodeRecord
from model.steps import JoinOverlay
from tests.executors.clusters import cluster
from tests.executors.scripted import ScriptedRemote

REGISTERED: dict[str, Role] = {"ingress016": "ingress", "worker101": "worker"}


def answer(node: str, script: str) -> str:
    """A machine with a key that is reached by all that it asks."""
    asked = re.findall(r"(\w+)/10\.5\.\d+\.0", script)
    return "\n".join([f"overlay {node.ljust(43, 'A')}=", *(f"reached overlay {other}" for other in asked)])


@pytest.fixture
def registry(store: Store) -> Registry:
    store.put(keys.CLUSTER, cluster("overlay").to_json())
    for number, (node, role) in enumerate(REGISTERED.items(), start=1):
        ip = f"198.51.100.{number}"
        store.put(keys.host(node), HostRecord(node=node, host_key="ssh-ed25519 AAAA", ip=ip).to_json())
        record = NodeRecord(name=node, ip=ip, services=(), role=role, pool=role, addresses={"vpn_ctrl": "10.110.0.9"})
        store.put(keys.node(node), record.to_json())
    return Registry(store)


def join(registry: Registry, remote: ScriptedRemote, *nodes: str) -> None:
    OverlayNetwork(remote).join(JoinOverlay(nodes=nodes), StepContext("op", registry, HostFence(1), lambda _: None))


def test_every_machine_gets_one_script_and_a_subnet(registry: Registry) -> None:
    remote = ScriptedRemote(answer)
    join(registry, remote, *REGISTERED)
    assert remote.nodes("set_peers") == ["ingress016", "worker101"]
    assert {node: record.addresses["overlay"] for node, record in registry.read().nodes.items()} == {
        "ingress016": "10.5.1.0",
        "worker101": "10.5.2.0",
    }


def test_one_that_is_not_registered_holds_up_no_other(registry: Registry) -> None:
    remote = ScriptedRemote(answer)
    with pytest.raises(
        StepFailed, match=r"^worker102 did not join the overlay: worker102: it has not joined its meshes"
    ):
        join(registry, remote, *REGISTERED, "worker102")
    assert all("overlay" in record.addresses for record in registry.read().nodes.values())
    assert remote.nodes("worker102") == []
