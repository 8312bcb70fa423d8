"""Lab hosts as executors see them: rented, joined, looked at, rebooted, cut off."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from executors.cloud import CloudSettings
from executors.mesh import Mesh
from executors.overlay import OverlayNetwork
from executors.provision import Provision
from executors.remote import OnLine, Unreachable
from executors.ssh import Ssh
from gitops.executor import Cancellation, HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.steps import CreateNode, JoinMeshes, LeaveMeshes
from tests.executors.clusters import cluster
from tests.executors.rented import TOKEN, RentedHosts
from tests.executors.sshd import make_key

# All that a join may change: files with their times, and the daemons with when they started and how often.
STATE = r"""
find /etc/tinc /etc/firewalld /etc/hosts /etc/systemd /var/lib/flstr -printf '%p %T@ %i\n' | sort
systemctl show --property=Id,MainPID,NRestarts,ActiveEnterTimestampMonotonic 'tinc@*' firewalld.service
journalctl --quiet --output=cat --unit='tinc@*' | grep -c -e starting -e 'Got HUP' || true
"""


class CountingSsh(Ssh):
    """Remembers on which machine each script was run."""

    def __init__(self, registry: Registry, key: Path) -> None:
        super().__init__(registry.host, key)
        self.ran: list[str] = []

    def run(
        self,
        node: str,
        script: str,
        fence: HostFence,
        timeout: float = 60.0,
        on_line: OnLine | None = None,
        cancellation: Cancellation | None = None,
    ) -> str:
        """As `Ssh.run`."""
        self.ran.append(node)
        return super().run(node, script, fence, timeout, on_line, cancellation)


class Machines:
    """The cluster of a fixture folder on lab hosts, and what works on it."""

    def __init__(self, rented: RentedHosts, store: Store, folder: Path, name: str = "small") -> None:
        self.rented = rented
        self.store = store
        self.cluster = cluster(name)
        store.put(keys.CLUSTER, self.cluster.to_json())
        store.put(keys.LEADER, "this test")
        token = store.create_revision(keys.LEADER) or 0
        self.registry = Registry(store.fenced(Fence(keys.LEADER, token)))
        self.reports: list[str] = []
        self.context = StepContext("op", self.registry, HostFence(token), self.reports.append)
        self.ssh = CountingSsh(self.registry, folder / "client")
        self.provision = Provision(self.ssh, CloudSettings(TOKEN, make_key(folder / "client"), rented.url))
        self.meshes = Mesh(self.ssh)
        self.overlay = OverlayNetwork(self.ssh)

    def create(self, *nodes: str) -> None:
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(self._create, nodes))

    def _create(self, node: str) -> None:
        pool = self.cluster.pool_of(node) or ""
        role = self.cluster.pools[pool].role
        step = CreateNode(node=node, pool=pool, role=role, server_type="cx22", location="fsn1", image="debian-12")
        self.provision.create_node(step, self.context)

    def join(self, *nodes: str) -> None:
        self.meshes.join(JoinMeshes(nodes=nodes), self.context)

    def leave(self, node: str) -> None:
        self.meshes.leave(LeaveMeshes(node=node), self.context)

    def on(self, node: str, script: str) -> str:
        return self.ssh.run(node, script, self.context.fence)

    def reboot(self, node: str) -> None:
        """Off and on again, until it answers: only then does what is waited for next begin."""
        self.rented.reboot(node)
        self.await_ssh(node)

    def await_ssh(self, node: str) -> None:
        """Wait for a machine that is booting, a minute at most."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self.on(node, "true")
            except Unreachable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
            else:
                return

    def state(self, *nodes: str) -> dict[str, str]:
        return {node: self.on(node, STATE) for node in nodes}

    def daemons(self, node: str) -> str:
        return self.on(node, "systemctl show --property=Id,MainPID 'tinc@*'")

    def pings(self, node: str, *names: str) -> list[str]:
        """Those of the names that answer."""
        ping = "for name in {}; do ping -n -q -c 1 -W 3 $name >/dev/null 2>&1 && echo $name || true; done"
        return self.on(node, ping.format(" ".join(names))).split()

    def pings_soon(self, node: str, *names: str) -> list[str]:
        """The same, for names that may take half a minute to answer."""
        wait = "for name in {}; do timeout 30 sh -c 'until ping -n -q -c 1 -W 1 $1; do sleep 0.3; done' - $name; done"
        self.await_ssh(node)
        self.on(node, wait.format(" ".join(names)) + " >/dev/null 2>&1 || true")
        return self.pings(node, *names)
