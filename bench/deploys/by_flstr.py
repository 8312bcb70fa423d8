"""flstr's way: the steps of a rollout through the runner, with etcd, leadership and SSH as in service."""

import threading
from pathlib import Path

from bench import clusters
from bench.deploys.hosts import Hosts
from executors.deploy import deploy_executors
from executors.ssh import Ssh
from gitops.app_repos import AppRepos
from gitops.executor import HostFence
from gitops.leadership import Leadership
from gitops.lint import check
from gitops.operations import Operations
from gitops.placement import Placed
from gitops.plan.rollout import Rollout, StepList
from gitops.registry import Registry
from gitops.runner import Runner
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.operation import Operation, Origin
from model.registered import INSTANCE_PORTS, NodeRecord
from model.steps import Plan

NETWORK = "vpn_ingr"
PORT = INSTANCE_PORTS[0]  # the first that is allotted on a host


class ByFlstr:
    """A controller that leads, and has all hosts registered."""

    def __init__(self, hosts: Hosts, endpoint: str, folder: Path) -> None:
        manifests = check(clusters.files(2 + len(hosts.addresses), apps=1))
        [self._app] = manifests.apps.values()
        self._hosts = hosts
        self._store = Store([endpoint])
        # Whoever loses the lease nevertheless is told by the next write.
        self._leadership = Leadership(self._store, "bench", on_lost=lambda: None)
        fence = self._leadership.acquire(threading.Event())
        assert fence is not None
        self._fence = HostFence(fence.token)
        registry = Registry(self._store.fenced(fence))
        registry.store.put(keys.CLUSTER, manifests.cluster.to_json())
        for node, address in hosts.addresses.items():
            addresses = {NETWORK: address}
            record = NodeRecord(name=node, ip=address, services=(), role="worker", pool="worker", addresses=addresses)
            registry.put_node(record)
            registry.put_host(hosts.record(node))
        self._operations = Operations(registry.store)
        self._ssh = Ssh(registry.host, hosts.sshd.client_key, hosts.sshd.port)
        executors = deploy_executors(self._ssh, _secretless, AppRepos(folder).thin_pack)
        self._runner = Runner(self._operations, registry, executors, fence.token)

    def connect(self) -> None:
        """Make every connection, as it is in service before anybody deploys."""
        for answer in self._ssh.run_all(dict.fromkeys(self._hosts.addresses, "true"), self._fence).values():
            if isinstance(answer, StepFailed):
                raise answer

    def deploy(self, commit: str) -> None:
        """Deploy a commit to every host over the connections there are."""
        # The same instance each time: as by the other ways, its unit is restarted with the new release.
        app = self._app.model_copy(
            update={"repo": self._hosts.repo.url, "commit": commit, "run": "run.pl", "ingress": ()}
        )
        steps = StepList()
        Rollout(steps, app).start(Placed(f"{n}-00000000", node) for n, node in enumerate(self._hosts.addresses))
        operation = self._operations.create(Plan(title="deploy", steps=steps.all()), commit, Origin())
        ended = self._runner.run(operation, _nothing_is_destroyed)
        if ended.status != "done":
            raise RuntimeError(ended.sentence)

    def deploy_cold(self, commit: str) -> None:
        """Deploy a commit to every host over a new connection each."""
        self._ssh.close()
        self.deploy(commit)

    def close(self) -> None:
        """Let go of the hosts and of etcd."""
        self._ssh.close()
        self._leadership.stop()
        self._store.close()


def _nothing_is_destroyed(_: Operation) -> None: ...


def _secretless(_: str) -> bytes:
    raise AssertionError("the app has no secrets")
