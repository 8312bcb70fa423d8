"""Real machines: rented, joined to both meshes, pinged through them, left again."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executors.cloud import CloudSettings
from executors.mesh import Mesh
from executors.provision import Provision
from executors.ssh import Ssh
from gitops.executor import StepContext
from gitops.registry import Registry
from gitops.store import Store
from lab.preconditions import why_no_lab
from model import keys
from model.cluster import Cluster
from model.steps import CreateNode, JoinMeshes
from tests.executors.clusters import cluster
from tests.executors.rented import TOKEN, RentedHosts
from tests.executors.sshd import make_key

pytestmark = pytest.mark.hosts

NODES = ("controller001", "ingress016", "worker101", "worker102")


class Field:
    """Four machines and what works on them."""

    def __init__(self, rented: RentedHosts, store: Store, folder: Path) -> None:
        self.rented = rented
        self.cluster: Cluster = cluster("small")
        store.put(keys.CLUSTER, self.cluster.to_json())
        self.store = store
        self.registry = Registry(store)
        self.reports: list[str] = []
        self.context = StepContext("op", self.registry, 1, self._report)
        key = folder / "client"
        settings = CloudSettings(TOKEN, make_key(key), rented.url)
        self.ssh = Ssh(self.registry.host, key)
        self.provision = Provision(self.ssh, settings)
        self.mesh = Mesh(self.ssh)
        self._begun = time.monotonic()

    def _report(self, line: str) -> None:
        self.reports.append(line)
        print(f"{time.monotonic() - self._begun:6.1f} {line}")

    def create(self, *nodes: str) -> None:
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(self._create_one, nodes))

    def _create_one(self, node: str) -> None:
        pool = self.cluster.pool_of(node)
        assert pool is not None
        role = self.cluster.pools[pool].role
        step = CreateNode(node=node, pool=pool, role=role, server_type="cx22", location="fsn1", image="debian-12")
        self.provision.create_node(step, self.context)

    def join(self, *nodes: str) -> None:
        self.mesh.join(JoinMeshes(nodes=nodes), self.context)

    def on(self, node: str, script: str) -> str:
        return self.ssh.run(node, script, 1)

    def pings(self, node: str, name: str) -> bool:
        return self.on(node, f"ping -n -q -c 1 -W 3 {name} >/dev/null 2>&1 && echo yes || echo no") == "yes\n"


@pytest.fixture(scope="module")
def rented() -> Iterator[RentedHosts]:
    reason = why_no_lab()
    if reason is not None:
        pytest.skip(reason)
    rented = RentedHosts()
    yield rented
    rented.stop()


def test_it(rented: RentedHosts, store: Store, tmp_path: Path) -> None:
    field = Field(rented, store, tmp_path)
    field.create(*NODES)
    field.join(*NODES)
    t = time.monotonic()
    field.join(*NODES)
    print("second join", time.monotonic() - t)
    for n in NODES:
        print(
            n,
            field.on(
                n,
                "ip -br a; cat /etc/hosts; firewall-cmd --get-active-zones; cat /etc/firewalld/zones/public.xml; journalctl -o cat -u tinc@vpn_ctrl | tail -20; ls -la /etc/tinc/* /var/lib/flstr /var/lib/flstr/pending; cloud-init status --long; systemctl --failed",
            ),
        )
