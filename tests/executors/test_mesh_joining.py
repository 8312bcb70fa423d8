"""Who is asked for what when machines join, leave or are brought up to date: machines answer what they would print."""

import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import pytest

from executors.mesh import Mesh
from executors.mesh_files import places
from executors.mesh_keys import fingerprint
from gitops.executor import HostFence, StepContext
from gitops.networked import Members, mesh_digest
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.errors import StepFailed
from model.registered import HostRecord, NodeRecord
from model.steps import JoinMeshes, LeaveMeshes, RefreshMeshes
from tests.executors.clusters import members
from tests.executors.scripted import ScriptedRemote

WORKERS = 47
OF_50 = Cluster.model_validate(
    {
        "cluster": "fifty",
        "pools": {
            "controller": {"role": "controller", "count": 2, "first": 1},
            "ingress": {"role": "ingress", "count": 1, "first": 16},
            "worker": {"role": "worker", "count": WORKERS},
        },
        "meshes": {
            "vpn_ctrl": {"subnet": "10.110.0.0/24", "port": 760, "hubs": ["controller"], "members": ["worker", "ingress"]},
            "vpn_ingr": {"subnet": "10.111.0.0/24", "port": 762, "hubs": ["ingress"], "members": ["worker"]},
        },
    }
)  # fmt: skip
HUBS = ["controller001", "controller002", "ingress016"]
LAST = f"worker{100 + WORKERS}"


class Fifty:
    """A cluster where all machines but the last have joined; what a machine is asked to tell, it tells."""

    def __init__(self, store: Store, dead: tuple[str, ...] = ()) -> None:
        self.members: Members = members(OF_50)
        store.put(keys.CLUSTER, OF_50.to_json())
        for number, (name, pool) in enumerate(OF_50.nodes().items(), start=1):
            ip = f"198.51.100.{number}"
            addresses = {mesh: of_mesh[name].address for mesh, of_mesh in self.members.items() if name in of_mesh}
            record = NodeRecord(name=name, ip=ip, services=(), role=pool.role, pool=pool.role, addresses=addresses)
            store.put(keys.host(name), HostRecord(node=name, host_key="ssh-ed25519 AAAA", ip=ip).to_json())
            if name != LAST:
                store.put(keys.node(name), record.to_json())
        for mesh, of_mesh in self.members.items():
            for name, member in of_mesh.items():
                store.put(keys.mesh_member(mesh, name), member.to_json())
                store.put(keys.mesh_address(mesh, member.address), name)
        self.registry = Registry(store)
        self.remote = ScriptedRemote(self._printed, dead)
        self.reports: list[str] = []
        self.context = StepContext("op", self.registry, HostFence(1), self.reports.append)

    def _printed(self, node: str, script: str) -> str:
        told = [
            f"holds {mesh} {one} {fingerprint(self.members[mesh][one])} {OF_50.meshes[mesh].port}"
            for mesh, one in re.findall(r'^echo "holds (\S+) (\S+) ', script, re.MULTILINE)
        ]
        waited = re.findall(r"^reach (\S+) (.*)$", script, re.MULTILINE)
        reached = [f"reached {mesh} {hub.partition('/')[0]}" for mesh, hubs in waited for hub in hubs.split()]
        return "\n".join([*told, *reached])

    def asked(self) -> list[str]:
        return sorted(node for node, _ in self.remote.ran)


@pytest.fixture
def fifty(store: Store) -> Fifty:
    return Fifty(store)


def test_one_that_joins_fifty_touches_the_hubs_and_itself_with_one_script_each(fifty: Fifty) -> None:
    Mesh(fifty.remote).join(JoinMeshes(nodes=(LAST,)), fifty.context)
    assert fifty.asked() == [*HUBS, LAST]
    assert fifty.registry.read().nodes[LAST].addresses.keys() == {"vpn_ctrl", "vpn_ingr"}


def test_what_the_hubs_hold_is_known_before_the_member_is_asked(fifty: Fifty) -> None:
    Mesh(fifty.remote).join(JoinMeshes(nodes=(LAST,)), fifty.context)
    [script] = [script for node, script in fifty.remote.ran if node == LAST]
    assert [node for node, _ in fifty.remote.ran][-1] == LAST
    key = fingerprint(fifty.members["vpn_ctrl"][LAST])
    for hub in HUBS[:2]:
        assert f"same vpn_ctrl {LAST} {key} 760 {hub}\n" in script


def test_one_that_leaves_fifty_touches_the_hubs_and_itself(fifty: Fifty) -> None:
    Mesh(fifty.remote).leave(LeaveMeshes(node="worker101"), fifty.context)
    assert fifty.asked() == [*HUBS, "worker101"]
    held = fifty.registry.store.prefix(keys.MESHES)
    assert not any("worker101" in key or value == "worker101" for key, value in held.items())


def test_of_several_that_leave_at_once_nothing_is_left_on_the_hubs(fifty: Fifty) -> None:
    mesh, leaving = Mesh(fifty.remote), ("worker101", "worker102", "worker103")
    with ThreadPoolExecutor(len(leaving)) as pool:
        list(pool.map(lambda node: mesh.leave(LeaveMeshes(node=node), fifty.context), leaving))
    last = [script for node, script in fifty.remote.ran if node == "controller001"][-1]
    assert not any(f"hosts/{node} " in last for node in leaving)
    assert fifty.registry.read().meshed["controller001"] == mesh_digest(
        "controller001", OF_50, {mesh: fifty.registry.members(mesh) for mesh in OF_50.meshes}
    )


def test_a_dead_one_leaves_as_well(store: Store) -> None:
    fifty = Fifty(store, dead=("worker101",))
    Mesh(fifty.remote).leave(LeaveMeshes(node="worker101"), fifty.context)
    assert fifty.asked() == HUBS
    assert "worker101" not in fifty.registry.read().nodes


@pytest.mark.parametrize("dead", [("controller001",), ("controller002",)])
def test_a_dead_hub_does_not_hold_up_a_member_that_reaches_the_other(store: Store, dead: tuple[str, ...]) -> None:
    fifty = Fifty(store, dead=dead)
    Mesh(fifty.remote).join(JoinMeshes(nodes=(LAST,)), fifty.context)
    assert LAST in fifty.registry.read().nodes
    assert any(line.startswith(f"{dead[0]} was not brought up to date") for line in fifty.reports)


def test_without_a_hub_a_member_does_not_join(store: Store) -> None:
    fifty = Fifty(store, dead=("controller001", "controller002"))
    with pytest.raises(StepFailed, match=f"{LAST}: no answer from controller001, controller002 through vpn_ctrl"):
        Mesh(fifty.remote).join(JoinMeshes(nodes=(LAST,)), fifty.context)
    assert LAST not in fifty.registry.read().nodes


def test_one_that_is_not_reached_is_not_noted_as_up_to_date(store: Store) -> None:
    fifty = Fifty(store, dead=("worker102",))
    Mesh(fifty.remote).refresh(RefreshMeshes(nodes=("worker101", "worker102")), fifty.context)
    noted = fifty.registry.read().meshed
    assert noted == {"worker101": mesh_digest("worker101", OF_50, fifty.members)}


def test_a_members_files_name_its_hubs_and_itself_and_nobody_else(fifty: Fifty) -> None:
    for place in places("worker101", OF_50, fifty.members):
        hosts = {path for path in place.folder() if path.startswith("hosts/")}
        hubs: Collection[str] = HUBS[:2] if place.name == "vpn_ctrl" else HUBS[2:]
        assert hosts == {"hosts/worker101", *(f"hosts/{hub}" for hub in hubs)}
