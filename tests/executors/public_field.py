"""A cluster with a public side for executors: a real etcd, the lab's cloud, and machines that answer what a test says."""

from collections.abc import Callable
from ipaddress import IPv4Address

from executors.cloud import CloudSettings
from gitops import desired
from gitops.executor import Cancellation, HostFence, StepContext
from gitops.registry import Registry
from gitops.routed import routing_digest, routing_nodes
from gitops.store import Fence, Store
from model import keys
from model.registered import NodeRecord
from tests.executors.scripted import ScriptedRemote
from tests.gitops.public import DNS, FIRST, FLOATING_IP, SECOND, public_yaml
from tests.gitops.scene import manifests, public_ip
from tests.lab.cloud.running_cloud import TOKEN, RunningCloud

ZONES = ("flstr.lab", "example.com")


class PublicField:
    """Two ingresses and a worker, registered and rented; nobody's name is made yet."""

    def __init__(self, store: Store, cloud: RunningCloud, *more: str) -> None:
        self.store, self.cloud = store, cloud
        self.settings = CloudSettings(TOKEN, "ssh-ed25519 AAAA", cloud.url)
        store.put(keys.LEADER, "this test")
        token = store.create_revision(keys.LEADER) or 0
        self.registry = Registry(store.fenced(Fence(keys.LEADER, token)))
        self.told: list[str] = []
        self.said: list[str] = []
        self.cancellation = Cancellation()
        self.context = StepContext(
            "op", self.registry, HostFence(token), self.said.append, self.told.append, self.cancellation
        )
        self.servers = {node: cloud.server(node, labels={"cluster": "flstr-lab"}) for node in (FIRST, SECOND)}
        self.on: Callable[[str, str], str] = lambda _node, _script: ""
        self.remote = ScriptedRemote(self._answer)
        self.follow(*(more or (DNS, FLOATING_IP)))
        for node in (FIRST, SECOND, "worker101"):
            self.register(node)
        apps = manifests().apps.values()
        store.write(desired.ingress_keys(desired.ingress_records(apps)))
        self.route_all()

    def _answer(self, node: str, script: str) -> str:
        return self.on(node, script)

    def follow(self, *more: str) -> None:
        """Another cluster.yaml."""
        self.store.put(keys.CLUSTER, manifests(public_yaml(*more)).cluster.to_json())

    def register(self, node: str) -> None:
        role = manifests(public_yaml()).cluster.nodes()[node].role
        ip = self.servers[node].public_net.ipv4.ip if node in self.servers else public_ip(node)
        self.registry.put_node(NodeRecord(name=node, ip=ip, services=(), role=role, pool=role))
        self.store.put(keys.routed(node), "0" * 16)

    def route_all(self) -> None:
        """Every machine serves what it is to serve."""
        registered = self.registry.read()
        for node in routing_nodes(registered):
            self.registry.put_routed(node, routing_digest(registered, node))

    def overtake(self) -> None:
        """Another controller leads now."""
        self.store.delete(keys.LEADER)
        self.store.put(keys.LEADER, "another")

    def route(self, address: IPv4Address) -> str | None:
        """The node to which the cloud sends what is for a floating IP."""
        to = self.cloud.backend.routes.get(str(address))
        return next((name for name, server in self.servers.items() if server.public_net.ipv4.ip == to), None)


def zone(cloud: RunningCloud, name: str) -> None:
    cloud.client.zones.create(name=name, mode="primary").action.wait_until_finished()
