"""Rented machines in their networks, an app's repository, and the executors that bring the one to the others."""

import asyncio
import http.client
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from executors.cloud import CloudSettings
from executors.deploy import deploy_executors
from executors.mesh import Mesh
from executors.overlay import OverlayNetwork
from executors.provision import Provision
from executors.ssh import Ssh
from gitops.app_repos import AppRepos
from gitops.desired import app_keys, ingress_keys, ingress_records
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Fence, Store
from lab.gitrepo import Commit
from model import keys
from model.app import App
from model.cluster import Cluster
from model.steps import (
    ApplyRouting,
    BuildRelease,
    CreateNode,
    DrainInstance,
    JoinMeshes,
    JoinOverlay,
    StartInstance,
    Step,
    StopInstance,
    WriteKeys,
)
from tests.executors.example import influencer
from tests.executors.rented import TOKEN, RentedHosts, rented_hosts
from tests.executors.sshd import make_key
from tests.identity import IDENTITIES

HOST = "influencer.flstr.lab"
INGRESS = "ingress016"
NODES = (INGRESS, "worker101", "worker102")
CLUSTER = Cluster.model_validate(
    {
        "cluster": "flstr-lab",
        "pools": {
            "worker": {"role": "worker", "count": 2},
            "ingress": {"role": "ingress", "count": 1, "first": 16},
        },
        "meshes": {"vpn_ingr": {"subnet": "10.111.0.0/24", "port": 762, "hubs": ["ingress"], "members": ["worker"]}},
        "overlay": {"network": "10.5.0.0/16"},
    }
)


class Field:
    """Machines in their mesh and the overlay, an app repository, and the executors."""

    def __init__(
        self, rented: RentedHosts, store: Store, folder: Path, commits: tuple[Commit, ...], nodes: tuple[str, ...]
    ) -> None:
        self.rented = rented
        store.put(keys.LEADER, "this test")
        token = store.create_revision(keys.LEADER) or 0
        self.registry = Registry(store.fenced(Fence(keys.LEADER, token)))
        self.reports: list[str] = []
        self.told: list[str] = []
        self.context = StepContext("op", self.registry, HostFence(token), self._report, self.told.append)
        self._begun = time.monotonic()
        key = folder / "client"
        self.ssh = Ssh(self.registry.host, key)
        self.executors = deploy_executors(self.ssh, IDENTITIES.decrypt, AppRepos(folder / "apps").thin_pack)
        store.put(keys.CLUSTER, CLUSTER.to_json())
        self._make_machines(Provision(self.ssh, CloudSettings(TOKEN, make_key(key), rented.url)), nodes)
        self.repo = asyncio.run(rented.lab.git.seed("influencer", commits))
        self.ingress_ip = self.registry.read().nodes[INGRESS].ip

    def _make_machines(self, provision: Provision, nodes: tuple[str, ...]) -> None:
        def create(node: str) -> None:
            pool = CLUSTER.pool_of(node) or ""
            role = CLUSTER.pools[pool].role
            step = CreateNode(node=node, pool=pool, role=role, server_type="cx22", location="fsn1", image="debian-12")
            provision.create_node(step, self.context)

        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(create, nodes))
        Mesh(self.ssh).join(JoinMeshes(nodes=nodes), self.context)
        OverlayNetwork(self.ssh).join(JoinOverlay(nodes=nodes), self.context)

    def _report(self, line: str) -> None:
        self.reports.append(line)
        print(f"{time.monotonic() - self._begun:6.1f} {line}")

    def app(self, revision: str, **changes: object) -> App:
        """influencer at a branch, tag or commit of the lab's repository."""
        git = ["git", f"--git-dir={self.rented.lab.git.path('influencer')}", "rev-parse", revision]
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
        return influencer(repo=self.repo, commit=commit, **changes)

    def do(self, *steps: Step) -> None:
        for step in steps:
            began = time.monotonic()
            self.executors[step.kind](step, self.context)
            print(f"{time.monotonic() - self._begun:6.1f} {step.kind} took {time.monotonic() - began:.2f} s")

    def on(self, node: str, script: str) -> str:
        return self.ssh.run(node, script, self.context.fence).strip()

    def ask(self, host: str = HOST, path: str = "/") -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.ingress_ip, 80, timeout=10)
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()

    def publish(self, app: App) -> None:
        """Have the others know of an app, and its public addresses lead to it."""
        self.do(WriteKeys(put=app_keys([app]) | ingress_keys(ingress_records([app]))))

    def serve(self, app: App, *instances: tuple[str, str]) -> None:
        """Build, start and route instances, given as (node, id)."""
        for node in sorted({node for node, _ in instances}):
            self.do(BuildRelease(node=node, app=app))
        for node, instance in instances:
            self.do(StartInstance(node=node, app=app, instance=instance))
        self.do(ApplyRouting(serving=tuple((app.kind, app.app, instance) for _, instance in instances)))

    def retire(self, node: str, instance: str, app: str = "influencer") -> None:
        of = {"app_kind": "backend", "app": app, "instance": instance, "node": node}
        self.do(DrainInstance.model_validate(of), StopInstance.model_validate(of))


@contextmanager
def rented_field(
    etcd_endpoint: str, folder: Path, commits: tuple[Commit, ...], nodes: tuple[str, ...] = NODES
) -> Iterator[Field]:
    """Machines that are given back afterwards; skips the test where there can be no lab."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        yield Field(rented, store, folder, commits, nodes)
