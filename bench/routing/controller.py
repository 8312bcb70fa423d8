"""A flstr without its chat on lab hosts that it has rented, joined and routed: what `flstr serve` puts together."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from bench import servers
from cli.executors import build_executors, warm_connections
from cli.own_keys import IDENTITY_FILE
from cli.settings import Settings
from executors.ssh import Ssh
from gitops.app_repos import AppRepos
from gitops.executor import HostFence
from gitops.leadership import Leadership
from gitops.locks import Locks
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.repository import ClusterRepo
from gitops.revisions import Revisions
from gitops.routed import routing_nodes
from gitops.runner import Runner
from gitops.secrets import read_identities
from gitops.store import Store
from gitops.worker import Worker
from model import keys
from model.app import Env, Publish
from model.registered import InstanceRecord, MetaData
from tests.executors.rented import TOKEN, RentedHosts
from tests.gitops.remote import Remote

APP = "bench"
PORT = 5001
INSTANCE = "1-00000001"
CLUSTER = """\
cluster: flstr-bench
pools:
  worker: {{role: worker, count: {workers}, first: 101}}
  ingress: {{role: ingress, count: 1, first: 16}}
meshes:
  vpn_ingr: {{subnet: 10.111.0.0/16, port: 762, hubs: [ingress], members: [worker]}}
people:
  operator: {{slack: U01OPERATOR, email: operator@flstr.lab, may: [read, deploy, scale, sync, approve]}}
"""


class Controller:
    """Leads, and has so many machines, whose HAProxy knows an app without instances."""

    def __init__(self, rented: RentedHosts, endpoint: str, folder: Path, machines: int) -> None:
        (folder / "repo").mkdir()
        remote = Remote(folder / "repo")
        remote.push({"cluster.yaml": CLUSTER.format(workers=machines - 1)})
        settings = Settings(
            cluster_repo=remote.url, state=folder / "state", hcloud_token=TOKEN, hcloud_endpoint=rented.url
        )
        self._store = Store([endpoint])
        # Whoever loses the lease nevertheless is told by the next write.
        self._leadership = Leadership(self._store, "bench", on_lost=lambda: None)
        fence = self._leadership.acquire(threading.Event())
        assert fence is not None
        self.store = self._store.fenced(fence)
        self.fence = HostFence(fence.token)
        self.registry, self.operations = Registry(self.store), Operations(self.store)
        app_repos, identities = AppRepos(settings.state / "apps"), read_identities(settings.state / IDENTITY_FILE)
        self.ssh: Ssh = warm_connections(settings, self.registry)
        executors = build_executors(settings, self.ssh, identities, app_repos)
        repo = ClusterRepo(settings.cluster_repo, settings.state / "cluster.git")
        self.worker = Worker(
            Revisions(repo, app_repos, identities.decrypt),
            self.registry,
            self.operations,
            Runner(self.operations, self.registry, executors, fence.token),
            Locks(self.store, self._leadership.lease),
        )
        self._build_up()
        self.nodes = routing_nodes(self.registry.read())

    def _build_up(self) -> None:
        meta = MetaData(publish=Publish(port=PORT), env_prefix="BENCH", env=Env())
        self.store.put(keys.meta_data("backend", APP), meta.to_json())
        self.settle()
        failed = [operation.sentence for operation in self.operations.all() if operation.status == "failed"]
        if failed:
            raise RuntimeError("; ".join(failed))

    def settle(self) -> None:
        """Have the worker look until nothing is left to do."""
        while self.worker.look() or self.worker.dispatch.running:
            self.worker.dispatch.wait(1)

    def put(self, port: int) -> None:
        """Register the instance by hand, at a port."""
        record = InstanceRecord(node="worker101", ip="127.0.0.1", port=port, commit="1" * 40)
        self.store.put(keys.instance("backend", APP, INSTANCE), record.to_json())

    def drop(self) -> None:
        """Deregister it by hand."""
        self.store.delete(keys.instance("backend", APP, INSTANCE))

    @contextmanager
    def working(self) -> Iterator[None]:
        """Have the worker at work by itself."""
        thread = threading.Thread(target=self.worker.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.worker.stop()
            thread.join()

    def close(self) -> None:
        """Let go of the machines and of etcd."""
        self.ssh.close()
        self._leadership.stop()
        self._store.close()


@contextmanager
def running(folder: Path, machines: int) -> Iterator[Controller]:
    """A controller with its machines, which are gone afterwards."""
    with ExitStack() as stack:
        endpoint = stack.enter_context(servers.etcd(folder))
        rented = RentedHosts()
        stack.callback(rented.stop)
        yield stack.enter_context(closing(Controller(rented, endpoint, folder, machines)))
