"""Real machines for a doctor: two hubs and a worker that connects to both, or three with an overlay."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from cli.ask import plain
from executors.cloud import CloudSettings
from executors.doctor.check import Doctor
from executors.mesh import Mesh
from executors.overlay import OverlayNetwork
from executors.provision import Provision
from executors.ssh import Ssh
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.steps import CreateNode, JoinMeshes, JoinOverlay
from tests.executors.clusters import cluster
from tests.executors.rented import TOKEN, RentedHosts
from tests.executors.sshd import make_key

MESH = "vpn_ingr"
HUB, OTHER_HUB, WORKER = "ingress016", "ingress017", "worker101"
WELL = "✓ 3 machines, 3 tunnels: all well"


class Patients:
    """The machines of a fixture's cluster, joined, with a doctor."""

    def __init__(self, rented: RentedHosts, store: Store, folder: Path, name: str = "three-machines") -> None:
        self.rented = rented
        self.cluster = cluster(name)
        self.nodes = tuple(self.cluster.nodes())
        store.put(keys.CLUSTER, self.cluster.to_json())
        store.put(keys.LEADER, "this test")
        token = store.create_revision(keys.LEADER) or 0
        self.registry = Registry(store.fenced(Fence(keys.LEADER, token)))
        self.context = StepContext("op", self.registry, HostFence(token), lambda line: None)
        self.ssh = Ssh(self.registry.host, folder / "client")
        self.provision = Provision(self.ssh, CloudSettings(TOKEN, make_key(folder / "client"), rented.url))
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(self._create, self.nodes))
        self.join()

    def _create(self, node: str) -> None:
        pool = self.cluster.pool_of(node) or ""
        role = self.cluster.pools[pool].role
        step = CreateNode(node=node, pool=pool, role=role, server_type="cx22", location="fsn1", image="debian-12")
        self.provision.create_node(step, self.context)

    def join(self) -> None:
        Mesh(self.ssh).join(JoinMeshes(nodes=self.nodes), self.context)
        if self.cluster.overlay is not None:
            OverlayNetwork(self.ssh).join(JoinOverlay(nodes=self.nodes), self.context)

    def on(self, node: str, script: str) -> str:
        return self.ssh.run(node, f"cd /etc/tinc/{MESH}\n{SHORTHAND}\n{script}", self.context.fence)

    def address(self, node: str) -> str:
        host = self.registry.host(node)
        return (host.ip or "") if host else ""

    def doctor(self, *words: str) -> list[str]:
        """The lines that a person reads in a terminal."""
        return plain(Doctor(self.ssh)(words, self.registry)).splitlines()

    def restart_daemons(self) -> None:
        """What the journals said before concerns the doctor no more; all is well afterwards."""
        for node in self.nodes:
            self.on(node, f"systemctl restart tinc@{MESH}")
        self.doctor("--fix")
        self.join()
        assert self.doctor() == [WELL]

    @contextmanager
    def until_logged(self, **wanted: str) -> Iterator[None]:
        """Afterwards, wait until each machine has logged a line with its pattern; a minute at most."""
        cursors = {node: self.on(node, "journalctl --quiet --lines=0 --show-cursor").split()[-1] for node in wanted}
        yield
        for node, pattern in wanted.items():
            self.on(
                node,
                f'timeout 60 bash -c \'until journalctl --quiet --output=cat --after-cursor="$0" | grep -qE "$1"; '
                f"do sleep 0.2; done' '{cursors[node]}' '{pattern}' || fail 'it did not log {pattern}'",
            )


# tincd drops the connections whose files are newer than its last reading, in whole seconds.
SHORTHAND = f"""
reread_files() {{
    sleep 1.1
    find hosts -type f -newermt '3 seconds ago' -exec touch {{}} +
    systemctl kill --kill-who=main --signal=HUP tinc@{MESH}
    sleep 0.2
    redial
}}
redial() {{ systemctl kill --kill-who=main --signal=ALRM tinc@{MESH}; }}
# until_unread ADDRESS: what was sent from there is in the kernel, and a daemon that stands still has not read it.
until_unread() {{
    local deadline=$((SECONDS + 60))
    until ss -Htn state established "dst $1" | awk '$1 > 0 {{ found = 1 }} END {{ exit !found }}'; do
        if [ "$SECONDS" -ge "$deadline" ]; then fail "nothing came from $1"; fi
        sleep 0.1
    done
}}
without_key() {{ sed -i '/BEGIN/,$d' "hosts/$1"; }}
"""


def mended(lines: list[str], well: str = WELL) -> list[str]:
    """What a doctor says it mended, where all is well afterwards."""
    assert lines[-1] == well, lines
    return [re.sub("^✓ mended: ", "", line) for line in lines[:-1]]
