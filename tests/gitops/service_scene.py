"""A cluster with machines for services, in memory: its manifests, what etcd would hold, and what plans make of it."""

from collections.abc import Collection, Iterable

from gitops.firewall import firewall_digest
from gitops.manifests import Manifests, load
from gitops.networked import mesh_digest, overlay_digest
from gitops.overlay_leases import lease_of
from gitops.plan import Plans, plan
from gitops.registered_tree import parse
from gitops.routed import routing_digest, routing_nodes
from model import keys, service_keys
from model.names import NodeName, node_name
from model.networks import OVERLAY
from model.registered import HostRecord, NodeRecord, Registered, ServiceRecord, Stable
from model.service_steps import ApplyService, LeadService, NoteService, RemoveService, RestoreService
from model.steps import DestroyNode, DrainInstance, LeaveMeshes, Plan, StartInstance, WriteKeys
from tests.gitops.scene import CLUSTER_YAML, app_yaml, instance, lease, public_ip

ONE, TWO, THREE = "service101", "service102", "service103"
BACKUPS = "backups: {to: /mnt/backups}\n"
BACKUP = "flstr-lab.service-cache.20261126T120000Z.10.abc.age"


def cluster_yaml(machines: int = 2, more: str = BACKUPS, without: Iterable[NodeName] = ()) -> str:
    """The example with machines of role service."""
    pool = f"  service: {{role: service, count: {machines}, without: [{', '.join(without)}]}}\n"
    return CLUSTER_YAML.replace("\nmeshes:", f"{pool}\nmeshes:", 1) + more


def cache_yaml(on: Iterable[NodeName] = (ONE,), more: str = "", name: str = "cache") -> str:
    """A Redis on some machines."""
    return (
        f"service: {name}\nplaybook: redis\nnodes: [{', '.join(on)}]\npublish: {{port: 6380}}\n"
        f"env_prefix: {name.upper()}\n{more}"
    )


def files(*services: str, cluster: str | None = None, needs: str = "") -> dict[str, str]:
    """The files of a revision."""
    named = {f"services/{text.split()[1]}.yaml": text for text in services}
    app = app_yaml() + (f"needs: [{needs}]\n" if needs else "")
    return {"cluster.yaml": cluster or cluster_yaml(), "apps/influencer.yaml": app, **named}


def wants(*services: str, cluster: str | None = None, needs: str = "") -> Manifests:
    """A revision with these services."""
    return load(files(*services, cluster=cluster, needs=needs))


class Fleet:
    """Machines that stand, and etcd as a dict; plans are carried out as the executors would register it."""

    def __init__(self, machines: int = 2) -> None:
        self.found: dict[str, str] = {}
        self.dead: set[NodeName] = set()
        self.silent: set[NodeName] = set()
        self.done: list[str] = []
        roles = {"controller001": "controller", "ingress016": "ingress", "worker101": "worker", "worker102": "worker"}
        for node, role in {**roles, **{node_name("service", 101 + n): "service" for n in range(machines)}}.items():
            self.join(node, role)

    def join(self, node: NodeName, role: str = "service") -> None:
        """A machine that is in all its networks."""
        number = int(node[-3:])
        addresses = {"vpn_ctrl": f"10.110.0.{number}"}
        addresses |= {"vpn_ingr": f"10.111.0.{number}"} if role in ("ingress", "worker") else {}
        addresses |= {} if role == "controller" else {OVERLAY: f"10.5.{number}.1"}
        record = NodeRecord.model_validate(
            {"name": node, "ip": public_ip(node), "services": (), "role": role, "pool": role, "addresses": addresses}
        )
        self.found[keys.node(node)] = record.to_json()
        self.found[keys.host(node)] = HostRecord(node=node, host_key="ssh-ed25519 AAAA", ip=record.ip).to_json()

    def tree(self, manifests: Manifests) -> Registered:
        """What is registered, with all networks and routing as they should be."""
        tree = parse(self.found)
        silent = dict.fromkeys(sorted(self.silent | self.dead), 1.0)
        tree = tree.model_copy(
            update={"dead": dict.fromkeys(sorted(self.dead & tree.nodes.keys()), 1.0), "not_ready": silent}
        )
        cluster = manifests.cluster
        inside = [node for node, record in tree.nodes.items() if OVERLAY in record.addresses]
        leases = {f"10.5.{int(node[-3:])}.0/24": lease(node) for node in inside}
        assert all(lease_of(public_ip(node), leases) for node in inside)
        tree = tree.model_copy(
            update={
                "leases": leases,
                "overlaid": dict.fromkeys(inside, overlay_digest(cluster, leases)),
                "meshed": {node: mesh_digest(node, cluster, {}) for node in tree.nodes},
                "routed": {node: routing_digest(tree, node) for node in routing_nodes(tree)},
            }
        )
        return tree.model_copy(update={"walled": {node: firewall_digest(node, cluster, tree) for node in tree.nodes}})

    def plan(self, manifests: Manifests, busy: Collection[str] = ()) -> Plans:
        """What is planned as things are."""
        return plan(manifests, self.tree(manifests), busy)

    def of_services(self, manifests: Manifests) -> list[Plan]:
        """The plans that are about services."""
        return [change for change in self.plan(manifests).changes if change.locks[0].startswith("service-")]

    def carry_out(self, change: Plan) -> None:
        """Do every step of a plan, in their order."""
        for planned in change.steps:
            self.done.append(planned.title)
            self.do(planned.step)

    def follow(self, manifests: Manifests, *, approved: bool = True) -> list[str]:
        """Carry plans out until nothing is planned any more; their titles."""
        titles: list[str] = []
        for _ in range(20):
            plans = self.plan(manifests)
            due = [*plans.changes] or ([plans.removal] if approved and plans.removal.steps else [])
            if not due:
                return titles
            for change in due:
                titles.append(change.title)
                self.carry_out(change)
        raise AssertionError(f"this never ends: {titles}")

    def record(self, name: str = "cache") -> ServiceRecord:
        """What a service was last brought to."""
        return ServiceRecord.model_validate_json(self.found[service_keys.installed(name)])

    def do(self, step: object) -> None:
        """What a step would register."""
        match step:
            case WriteKeys(put=put, delete=delete):
                self.found |= put
                for key in delete:
                    self.found.pop(key, None)
            case StartInstance(app=app, instance=name, node=node):
                assert all(service_keys.meta_data(one) in self.found for one in app.needs)
                self.found[keys.instance(app.kind, app.app, name)] = instance(node).to_json()
                stable = Stable(app=app, spec=name.partition("-")[2], revision="a" * 40, at=0)
                self.found[keys.stable(app.kind, app.app)] = stable.to_json()
            case DrainInstance(app_kind=kind, app=name, instance=gone):
                del self.found[keys.instance(kind, name, gone)]
            case LeaveMeshes(node=node):
                assert not any(node in record.nodes for record in self._records())
                del self.found[keys.node(node)]
            case DestroyNode(node=node):
                del self.found[keys.host(node)]
            case _:
                self._do_to_a_service(step)

    def _do_to_a_service(self, step: object) -> None:
        unheard = self.dead | self.silent
        match step:
            case ApplyService(nodes=nodes, leaving=leaving, leader=leader):
                assert nodes
                assert unheard.isdisjoint({*nodes, *leaving})
                assert leader is None or leader in {*nodes, *leaving}
                assert {*step.silent} <= unheard
                self._put(
                    ServiceRecord(
                        service=step.service, nodes=tuple(dict.fromkeys((*nodes, *leaving))), leader=leader,
                        silent=step.silent, digest=step.digest, source=step.source,
                        restored=self.record(step.service.service).restored,
                    )
                )  # fmt: skip
            case NoteService(service=service):
                self._put(self.record(service.service).model_copy(update={"service": service}))
            case LeadService(service=name, leader=leader):
                assert leader in self.record(name).nodes
                assert leader not in unheard
                self._put(self.record(name).model_copy(update={"leader": leader}))
            case RestoreService(service=name, backup=backup):
                self._put(self.record(name).model_copy(update={"restored": backup}))
            case RemoveService(service=service, nodes=nodes):
                record = self.record(service.service)
                assert unheard.isdisjoint(nodes)
                assert record.leader not in nodes or set(record.nodes) - self.dead <= set(nodes)
                left = tuple(node for node in record.nodes if node not in nodes)
                self._put(record.model_copy(update={"nodes": left}))

    def _records(self) -> list[ServiceRecord]:
        found = [text for key, text in self.found.items() if key.startswith(service_keys.INSTALLED)]
        return [
            record for record in map(ServiceRecord.model_validate_json, found) if not set(record.nodes) <= self.dead
        ]

    def _put(self, record: ServiceRecord) -> None:
        self.found[service_keys.installed(record.service.service)] = record.to_json()


def titles(change: Plan) -> list[str]:
    return [planned.title for planned in change.steps]


def only(fleet: Fleet, manifests: Manifests) -> Plan:
    (change,) = fleet.of_services(manifests)
    return change


def installed(*on: NodeName, machines: int = 2) -> Fleet:
    fleet = Fleet(machines)
    fleet.follow(wants(cache_yaml(on or (ONE,))))
    return fleet
