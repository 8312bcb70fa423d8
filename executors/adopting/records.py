"""What etcd would know, worked out from what is there. Pure.

Each record is made from what its machine says, within what the manifests want; what contradicts itself, or another
machine, is left out and named in a sentence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from types import MappingProxyType

from executors.adopting.adopted import Adopted
from executors.adopting.digests import digest_keys
from executors.adopting.facts import Facts, InstanceFact, MeshFact
from executors.adopting.keypairs import adopted_certificates
from executors.adopting.services import adopted_services
from executors.adopting.survey import Server, Survey
from executors.mesh_files import node_record, places
from gitops import desired
from gitops.certificates import KeySafe
from gitops.manifests import Manifests
from gitops.overlay_leases import configuration
from gitops.registered_tree import parse
from model import keys
from model.names import AppId, AppName, NodeName
from model.networks import OVERLAY
from model.pools import Pool
from model.registered import (
    INSTANCE_PORTS,
    FloatingRecord,
    HostRecord,
    InstanceRecord,
    MeshMember,
    NodeRecord,
    OverlayLease,
    PortRecord,
    ServiceRecord,
    Stable,
    WireGuardEnd,
)

NO_SERVICES: Mapping[AppName, ServiceRecord] = MappingProxyType({})


@dataclass(frozen=True)
class Terms:
    """How things are taken over: by which key certificates are sealed, who is taken for their authority, when, and at
    which revision of the cluster repo."""

    safe: KeySafe
    directory: str
    now: float
    revision: str = ""


def adopt(
    manifests: Manifests, survey: Survey, terms: Terms, services: Mapping[AppName, ServiceRecord] = NO_SERVICES
) -> Adopted:
    """Everything that etcd is to hold of a cluster that runs; `services` are those of a snapshot."""
    return _Adopting(manifests, survey, terms, services).all()


class _Adopting:
    def __init__(
        self, manifests: Manifests, survey: Survey, terms: Terms, services: Mapping[AppName, ServiceRecord]
    ) -> None:
        self._manifests, self._survey, self._terms, self._known_services = manifests, survey, terms, services
        self._cluster = manifests.cluster
        self._done = Adopted()
        self._members: dict[str, dict[NodeName, MeshMember]] = {}
        self._nodes: dict[NodeName, NodeRecord] = {}
        self._running: dict[AppId, dict[str, InstanceFact]] = {}

    def all(self) -> Adopted:
        """From the machines to what is served by them, and last how far each is what would be written there."""
        self._put(keys.CLUSTER, self._cluster.to_json())
        for server in self._survey.inventory.servers:
            self._machine(server)
        for server, facts, pool in self._known():
            self._meshes(server, facts, pool)
        for server, facts, pool in self._known():
            self._node(server, facts, pool)
        for server, facts, _ in self._known():
            for instance in facts.instances:
                self._instance(server.node, instance)
        self._apps()
        self._public()
        self._services()
        tree = parse(self._done.puts)
        for key, value in digest_keys(self._cluster, tree, self._survey.facts).items():
            self._put(key, value)
        return self._done

    def _known(self) -> Iterator[tuple[Server, Facts, Pool]]:
        """The machines that said what they are, and that the manifests want."""
        wanted = self._cluster.nodes()
        for server in self._survey.inventory.servers:
            facts, pool = self._survey.facts.get(server.node), wanted.get(server.node)
            if facts is not None and pool is not None:
                yield server, facts, pool

    def _machine(self, server: Server) -> None:
        node = server.node
        if node in self._survey.silent:
            self._leave_out(f"{self._survey.silent[node]}; what runs there is not known")
        if (host_key := self._survey.host_keys.get(node)) is None:
            return
        record = HostRecord(node=node, host_key=host_key, ip=server.ip, server_id=server.id)
        self._put(keys.host(node), record.to_json())
        if node not in self._cluster.nodes():
            self._leave_out(f"{node} is in no pool of the manifests, so it is known as rented and no more")
        for what in self._survey.facts[node].unclear if node in self._survey.facts else ():
            self._leave_out(f"{node} said what cannot be: {what}")

    def _meshes(self, server: Server, facts: Facts, pool: Pool) -> None:
        wanted = self._cluster.meshes_of(pool.role)
        for fact in facts.meshes:
            if fact.mesh not in wanted:
                continue
            why = self._why_no_member(server.node, fact)
            if why:
                self._leave_out(f"{server.node} is left out of mesh {fact.mesh}: {why}")
                continue
            member = MeshMember(
                node=server.node, role=pool.role, endpoint=server.ip, address=fact.address, port=fact.port,
                public_key=fact.public_key, ed25519_public_key=fact.ed25519,
            )  # fmt: skip
            self._members.setdefault(fact.mesh, {})[server.node] = member
            self._put(keys.mesh_member(fact.mesh, server.node), member.to_json())
            self._put(keys.mesh_address(fact.mesh, fact.address), server.node)

    def _why_no_member(self, node: NodeName, fact: MeshFact) -> str:
        if fact.name != node:
            return f"its tinc calls itself {fact.name}"
        if not fact.same:
            return "its private key is not that of its public one"
        if IPv4Address(fact.address) not in self._cluster.meshes[fact.mesh].subnet:
            return f"its address {fact.address} is not in {self._cluster.meshes[fact.mesh].subnet}"
        for other, member in self._members.get(fact.mesh, {}).items():
            if member.address == fact.address:
                return f"{other} has its address {fact.address} as well"
            if member.public_key == fact.public_key:
                return f"{other} has its key as well"
        return ""

    def _node(self, server: Server, facts: Facts, pool: Pool) -> None:
        of_node = places(server.node, self._cluster, self._members)
        if not of_node and self._cluster.meshes_of(pool.role):
            self._leave_out(f"{server.node} is in no mesh, so it is known as rented and no more")
            return
        host = HostRecord.model_validate_json(self._done.puts[keys.host(server.node)])
        record = node_record(host, pool.role, self._cluster.pool_of(server.node) or server.pool, of_node)
        if self._cluster.has_overlay(pool.role) and (address := self._lease(server, facts)):
            record = record.model_copy(update={"addresses": {**record.addresses, OVERLAY: address}})
        self._nodes[server.node] = record
        self._put(keys.node(server.node), record.to_json())

    def _lease(self, server: Server, facts: Facts) -> str:
        """The machine's address in the overlay, whose subnet is noted as its own; empty where it has none."""
        overlay, fact = self._cluster.overlay, facts.overlay
        if overlay is None or fact is None or overlay.driver != "wireguard":
            return ""
        subnet = IPv4Network(f"{fact.address}/{overlay.subnet_length}", strict=False)
        out = f"{server.node} is left out of the overlay"
        key = keys.overlay_subnet(str(subnet))
        if key in self._done.puts:
            self._leave_out(f"{out}: another machine has its subnet {subnet} as well")
            return ""
        if str(subnet.network_address) != fact.address or not subnet.subnet_of(overlay.network):
            self._leave_out(f"{out}: its address {fact.address} is no machine's in {overlay.network}")
            return ""
        end = WireGuardEnd(public_key=fact.public_key, port=fact.port)
        self._put(keys.OVERLAY_CONFIG, configuration(overlay))
        self._put(key, OverlayLease(public_ip=server.ip, backend_data=end).to_json())
        return fact.address

    def _instance(self, node: NodeName, fact: InstanceFact) -> None:
        app_id: AppId = (fact.kind, fact.app)
        who = f"{fact.app} {fact.instance} on {node}"
        if fact.port in INSTANCE_PORTS:
            # It is held until somebody has seen to what has it.
            held = PortRecord(kind=fact.kind, app=fact.app, instance=fact.instance)
            self._put(keys.port(node, fact.port), held.to_json())
        if not fact.runs:
            self._leave_out(f"{who} does not run, so it serves nobody")
        elif node not in self._nodes or fact.address not in self._nodes[node].addresses.values():
            self._leave_out(f"{who} is left out: it listens at {fact.address}, which is not known as the machine's")
        elif fact.instance in self._running.get(app_id, {}):
            self._leave_out(f"{who} is left out: another machine runs an instance of that name as well")
        else:
            self._running.setdefault(app_id, {})[fact.instance] = fact
            record = InstanceRecord(node=node, ip=fact.address, port=fact.port, commit=fact.commit)
            self._put(keys.instance(fact.kind, fact.app, fact.instance), record.to_json())

    def _apps(self) -> None:
        """Of what runs, the manifests say how it is published; a release that serves as a whole is a good one."""
        there = {app_id: app for app_id, app in self._manifests.apps.items() if app_id in self._running}
        self._done.puts |= desired.app_keys(there.values())
        self._done.puts |= desired.ingress_keys(desired.ingress_records(there.values()))
        for app_id, app in there.items():
            spec, running = self._manifests.spec(app), self._running[app_id]
            if {one.spec for one in running.values()} == {spec} and len(running) >= app.count:
                stable = Stable(app=app, spec=spec, revision=self._terms.revision, at=self._terms.now)
                self._put(keys.stable(*app_id), stable.to_json())
        for kind, name in sorted(self._running.keys() - self._manifests.apps.keys()):
            self._leave_out(f"{kind} {name} runs, and no manifest describes it")

    def _services(self) -> None:
        """Those that machines keep; of who is reached where, they have to be known."""
        facts = {node: self._survey.facts[node] for node in self._nodes}
        self._done.add(adopted_services(self._manifests, facts, parse(self._done.puts), self._known_services))

    def _public(self) -> None:
        """Floating IPs, names and certificates."""
        for name, (ip, holder) in self._survey.inventory.floating.items():
            record = FloatingRecord(ip=ip, node=holder if holder in self._nodes else None)
            self._put(keys.floating_ip(name), record.to_json())
        for name, addresses in self._survey.inventory.names.items():
            self._put(keys.dns_name(name), " ".join(sorted(addresses)))
        for node in self._nodes:
            if floats := self._survey.facts[node].floats:
                self._put(keys.floated(node), " ".join(floats))
        facts: Mapping[NodeName, Facts] = {node: self._survey.facts[node] for node in self._nodes}
        self._done.add(adopted_certificates(facts, self._terms.safe, self._terms.directory))

    def _put(self, key: str, value: str) -> None:
        self._done.puts[key] = value

    def _leave_out(self, sentence: str) -> None:
        self._done.left_out.append(sentence)
