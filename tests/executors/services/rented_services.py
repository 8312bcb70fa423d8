"""Two rented machines of role service in their mesh: what the tests of services on real machines begin with."""

from pathlib import Path

from executors.cloud import CloudSettings
from executors.mesh import Mesh
from executors.provision import Provision
from executors.services.playbooks import Controller
from executors.ssh import Ssh
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.operation import StepTasks
from model.registered import ServiceRecord
from model.steps import CreateNode, JoinMeshes
from tests.executors.rented import TOKEN, RentedHosts
from tests.executors.sshd import make_key

NODES = ("service101", "service102")


def cluster_of(hubs: list[str], members: list[str], **more: object) -> Cluster:
    """The manifest of those machines; only those that stand for hubs and members are ever there."""
    return Cluster.model_validate(
        {
            "cluster": "flstr-lab",
            "pools": {
                "service": {"role": "service", "count": len(NODES)},
                "worker": {"role": "worker", "count": 1},
                "ingress": {"role": "ingress", "count": 1, "first": 16},
            },
            "meshes": {"vpn_ingr": {"subnet": "10.111.0.0/24", "port": 762, "hubs": hubs, "members": members}},
            **more,
        }
    )


class RentedServices:
    """The machines, and flstr's state; `told` is what a playbook's end says, `tasks` what is shown of it meanwhile."""

    def __init__(self, rented: RentedHosts, store: Store, folder: Path, cluster: Cluster, service: str) -> None:
        self.registry, self.store = Registry(store), store
        key = folder / "client"
        self.ssh = Ssh(self.registry.host, key)
        self.controller = Controller(folder / "state", key)
        store.put(keys.CLUSTER, cluster.to_json())
        self.told: list[str] = []
        self.tasks = StepTasks()
        fence = HostFence(1, ((f"service-{service}", 2),))
        self.context = StepContext("op", self.registry, fence, print, self.told.append, tasks=self._show)
        provision = Provision(self.ssh, CloudSettings(TOKEN, make_key(key), rented.url))
        for node in NODES:
            machine = CreateNode(
                node=node, pool="service", role="service", server_type="cx22", location="fsn1", image="debian-12"
            )
            provision.create_node(machine, self.context)
        Mesh(self.ssh).join(JoinMeshes(nodes=NODES), self.context)

    def on(self, node: str, script: str) -> str:
        return self.ssh.run(node, script, self.context.fence)

    def record(self, service: str) -> ServiceRecord:
        record = self.registry.read().services[service].record
        assert record is not None
        return record

    def _show(self, tasks: StepTasks) -> None:
        self.tasks = tasks
