"""A service's machines as loopback has them, and a cluster repo with a playbook of its own."""

import shutil
import threading
from pathlib import Path

from pydantic import JsonValue

from executors.services.playbooks import Controller, Playbooks
from executors.services.told import PlaybookRun
from executors.ssh import Ssh
from gitops.certificates import key_safe
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.operation import StepTasks
from model.registered import NodeRecord
from model.service import Service
from tests.executors.sshd import LoopbackSshd
from tests.identity import IDENTITIES

REPO = Path(__file__).parent / "playbooks"
ADDRESSES = {"service101": "127.0.0.1", "service102": "127.0.0.2"}
CLUSTER = Cluster.model_validate(
    {
        "cluster": "small",
        "pools": {
            "service": {"role": "service", "count": 2},
            "worker": {"role": "worker", "count": 1},
            "ingress": {"role": "ingress", "count": 1, "first": 16},
        },
        "meshes": {"vpn_ingr": {"subnet": "10.111.0.0/24", "port": 762, "hubs": ["ingress"], "members": ["worker"]}},
    }
)


class Field:
    """Two machines, which are this one, and flstr's state."""

    def __init__(self, sshd: LoopbackSshd, store: Store, folder: Path) -> None:
        self.sshd = sshd
        self.state = folder / "state"
        self.remote_state = folder / "machine"
        self.files = folder / "files"
        self.files.mkdir()
        (self.state / "ssh").mkdir(parents=True)
        self.key = self.state / "ssh/key"
        shutil.copy(sshd.client_key, self.key)
        self.store = store
        self.registry = Registry(store)
        store.put(keys.CLUSTER, CLUSTER.to_json())
        for number, (node, ip) in enumerate(ADDRESSES.items(), start=1):
            self.registry.put_host(sshd.record(node, ip=ip))
            addresses = {"vpn_ingr": f"10.111.0.{number}"}
            self.registry.put_node(
                NodeRecord(name=node, ip=ip, services=(), role="service", pool="service", addresses=addresses)
            )
        self.ssh = Ssh(self.registry.host, self.key, sshd.port, str(self.remote_state))
        self.tasks: list[StepTasks] = []
        self.reports: list[str] = []
        self.told: list[str] = []
        self.context = self.led_by(1)
        controller = Controller(self.state, self.key, sshd.port, str(self.remote_state))
        self.playbooks = Playbooks(self.ssh, key_safe(IDENTITIES), self._export, controller)

    def led_by(self, token: int) -> StepContext:
        """What a controller with this token gives to a step."""
        fence = HostFence(token, (("service-queue", 5),))
        return StepContext("op", self.registry, fence, self.reports.append, self.told.append, tasks=self._show)

    def service(self, playbook: str = "queue", /, **variables: JsonValue) -> Service:
        return Service.model_validate(
            {
                "service": "queue",
                "playbook": f"playbooks/{playbook}.yml",
                "nodes": list(ADDRESSES),
                "port": 5672,
                "publish": {"port": 5672},
                "env_prefix": "QUEUE",
                "env": {"PROTOCOL": "amqp"},
                "passwords": ["admin"],
                "variables": {"queue_folder": str(self.files), **variables},
                "within": "60s",
            }
        )

    def run_of(self, service: Service, nodes: tuple[str, ...] = tuple(ADDRESSES)) -> PlaybookRun:
        return PlaybookRun(service, nodes, leader="service101", source="4b825dc6")

    def run(self, **variables: JsonValue) -> None:
        """The playbook on both machines."""
        self.playbooks.run(self.run_of(self.service(**variables)), self.context)

    def start(self, service: Service, failures: list[BaseException]) -> threading.Thread:
        """The same, beside the test."""

        def run() -> None:
            try:
                self.playbooks.run(self.run_of(service), self.context)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def read(self, node: str, name: str) -> str:
        return (self.files / node / name).read_text()

    def _export(self, tree: str, to: Path) -> None:
        assert tree == "4b825dc6"
        shutil.copytree(REPO, to, dirs_exist_ok=True)

    def _show(self, tasks: StepTasks) -> None:
        self.tasks.append(tasks)
