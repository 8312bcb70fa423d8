"""What is registered in etcd, as records. Reads are whole; writes carry the store's fence."""

from collections.abc import Collection, Mapping

from gitops.registered_tree import KINDS, parse, record_in, records_in, times_in
from gitops.shared import Shared
from gitops.store import Store
from model import keys, service_keys
from model.app import App
from model.cluster import Cluster
from model.errors import Refused, StepFailed
from model.names import AppKind, CertificateHost, MeshName, NodeName
from model.registered import (
    INSTANCE_PORTS,
    FloatingRecord,
    HostRecord,
    InstanceRecord,
    MeshMember,
    NodeRecord,
    PortRecord,
    Registered,
    ServiceRecord,
)


class Registry:
    """The records of the notes' data model, and those that flstr holds beside it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._tree = Shared(self._read)
        self._cluster = Shared(self._read_cluster)

    def read(self) -> Registered:
        """The whole registered tree, from one revision of etcd; steps that read it side by side read it together."""
        return self._tree.get()

    def _read(self) -> Registered:
        prefixes = [keys.NODES, keys.HOSTS, keys.INGRESSES, keys.PORTS, keys.ROUTED, *(f"{kind}/" for kind in KINDS)]
        prefixes += [keys.MESHES, keys.MESHED, keys.OVERLAY_SUBNETS, keys.OVERLAID, keys.WALLED]
        prefixes += [keys.DEAD, keys.STABLE, keys.QUARANTINE, keys.CERTIFICATES, keys.DUE, keys.NAMES]
        prefixes += [keys.FLOATING_IPS, keys.FLOATED, keys.UNREACHABLE, keys.LEFT_NAMES, keys.CERTIFIED]
        prefixes += [keys.NOT_READY, keys.ETCD_MEMBERS, keys.INSTALLED, keys.ENROLLED, keys.ORPHANS]
        prefixes += [keys.AUTHORITY, service_keys.SERVICES, service_keys.INSTALLED]
        return parse(self.store.prefixes(prefixes))

    def cluster(self) -> Cluster:
        """The last accepted `cluster.yaml`."""
        return self._cluster.get()

    def _read_cluster(self) -> Cluster:
        text = self.store.get(keys.CLUSTER)
        if text is None:
            raise Refused("no revision of the cluster repo was accepted yet")
        return record_in(Cluster, keys.CLUSTER, text)

    def host(self, node: str) -> HostRecord | None:
        """A rented machine, or None."""
        text = self.store.get(keys.host(node))
        return None if text is None else HostRecord.model_validate_json(text)

    def put_host(self, record: HostRecord) -> None:
        """Hold a machine's host key and address."""
        self.store.put(keys.host(record.node), record.to_json())

    def put_node(self, record: NodeRecord) -> None:
        """Register a machine that has joined."""
        self.store.put(keys.node(record.name), record.to_json())

    def members(self, mesh: str) -> dict[str, MeshMember]:
        """Who is in a mesh, by node."""
        found = self.store.prefix(keys.mesh_members(mesh))
        members = (MeshMember.model_validate_json(value) for value in found.values())
        return {member.node: member for member in sorted(members, key=lambda member: member.node)}

    def put_member(self, mesh: str, member: MeshMember) -> None:
        """Make a machine's key and endpoint known to its mesh."""
        self.store.put(keys.mesh_member(mesh, member.node), member.to_json())

    def allot_address(self, mesh: str, node: str) -> str:
        """The address a machine holds in a mesh; a free one is allotted on first asking."""
        subnet = self.cluster().meshes[mesh].subnet
        prefix = keys.mesh_addresses(mesh)
        while True:
            held = {key.removeprefix(prefix): owner for key, owner in self.store.prefix(prefix).items()}
            mine = next((address for address, owner in held.items() if owner == node), None)
            if mine is not None:
                return mine
            free = next((host for host in subnet.hosts() if str(host) not in held), None)
            if free is None:
                raise StepFailed(f"mesh {mesh} has no address left for {node}; give it a larger subnet")
            if self.store.put_new(keys.mesh_address(mesh, str(free)), node):
                return str(free)

    def forget_node(self, node: str) -> None:
        """Deregister a machine and free its addresses; its host record stays until it is destroyed."""
        meshes = self.store.prefix(keys.MESHES)
        gone = [key for key in meshes if key.endswith(f"/member/{node}")]
        freed = [key for key, owner in meshes.items() if "/address/" in key and owner == node]
        noted = (keys.routed(node), keys.meshed(node), keys.walled(node), keys.dead(node))
        public = (keys.floated(node), keys.unreachable(node), keys.certified(node))
        control = (keys.not_ready(node), keys.enrolled(node), keys.installed(node), keys.etcd_member(node))
        # Whoever comes by that name is another machine, to which no floating IP leads yet.
        held = records_in(self.store.prefix(keys.FLOATING_IPS), keys.FLOATING_IPS, FloatingRecord)
        for name, record in held.items():
            if record.node == node:
                self.put_floating_ip(name, record.model_copy(update={"node": None}))
        self.store.delete(keys.node(node), *noted, *public, *control, *gone, *freed)

    def put_floating_ip(self, name: str, record: FloatingRecord) -> None:
        """Hold a floating IP's address, and who holds it."""
        self.store.put(keys.floating_ip(name), record.to_json())

    def put_floated(self, node: str, addresses: Collection[str]) -> None:
        """Note at which floating IPs a machine was told to answer."""
        if addresses:
            self.store.put(keys.floated(node), " ".join(sorted(addresses)))
        else:
            self.store.delete(keys.floated(node))

    def leave_meshes(self, node: NodeRecord, meshes: Collection[MeshName]) -> None:
        """Free a machine's addresses in meshes that are given up; it stays in the others."""
        addresses = {network: address for network, address in node.addresses.items() if network not in meshes}
        held = [keys.mesh_address(mesh, node.addresses[mesh]) for mesh in meshes if mesh in node.addresses]
        gone = [keys.mesh_member(mesh, node.name) for mesh in meshes]
        self.put_node(node.model_copy(update={"addresses": addresses}))
        self.store.delete(*held, *gone)

    def forget_host(self, node: str) -> None:
        """Forget a machine that was given back, with the ports of its instances."""
        self.store.delete(keys.host(node), *self.store.prefix(keys.ports(node)))

    def allot_port(self, node: str, app: App, instance: str, known: Registered | None = None) -> int:
        """The port an instance holds on a machine; a free one is allotted on first asking.

        Where the tree was read just now, nothing is read for it once more.
        """
        mine = PortRecord(kind=app.kind, app=app.app, instance=instance)
        while True:
            registered = known or self.read()
            held = registered.ports
            offered = {one.meta_data.publish.port for one in registered.services.values() if one.meta_data is not None}
            numbers = {number: holder for (of, number), holder in held.items() if of == node}
            port = next((number for number, holder in numbers.items() if holder == mine), None)
            if port is not None:
                return port
            free = next(number for number in INSTANCE_PORTS if number not in numbers and number not in offered)
            if self.store.put_new(keys.port(node, free), mine.to_json()):
                return free
            known = None

    def free_port(self, node: str, kind: AppKind, app: str, instance: str) -> None:
        """Give back the port of an instance that is gone."""
        mine = PortRecord(kind=kind, app=app, instance=instance).to_json()
        held = self.store.prefix(keys.ports(node))
        self.store.delete(*(key for key, value in held.items() if value == mine))

    def dead(self) -> dict[NodeName, float]:
        """The machines that are given up, and the Unix time since when each is silent."""
        return times_in(self.store.prefix(keys.DEAD), keys.DEAD)

    def alive(self) -> frozenset[NodeName]:
        """The machines that say by themselves that they live, from one read."""
        # What one machine writes there, which may be anything, must not hide all others.
        return frozenset(key.removeprefix(keys.ALIVE) for key in self.store.names(keys.ALIVE))

    def put_enrolled(self, node: str, digest: str) -> None:
        """Note what a machine was told of where to register itself."""
        self.store.put(keys.enrolled(node), digest)

    def put_meshed(self, node: str, digest: str) -> None:
        """Note what a machine's meshes were brought to."""
        self.store.put(keys.meshed(node), digest)

    def put_overlaid(self, node: str, digest: str) -> None:
        """Note what a machine's overlay was brought to."""
        self.store.put(keys.overlaid(node), digest)

    def put_walled(self, node: str, digest: str) -> None:
        """Note what a machine's firewall was brought to."""
        self.store.put(keys.walled(node), digest)

    def put_routed(self, node: str, digest: str) -> None:
        """Note what a machine's routing was brought to."""
        self.store.put(keys.routed(node), digest)

    def put_certified(self, node: str, serials: Mapping[CertificateHost, str]) -> None:
        """Note which certificates an ingress was given."""
        self.store.put(keys.certified(node), " ".join(f"{name}={serial}" for name, serial in sorted(serials.items())))

    def put_instance(self, kind: AppKind, app: str, instance: str, record: InstanceRecord) -> None:
        """Register an instance: from now on it serves."""
        self.store.put(keys.instance(kind, app, instance), record.to_json())

    def delete_instance(self, kind: AppKind, app: str, instance: str) -> None:
        """Deregister an instance: from now on nothing new goes to it."""
        self.store.delete(keys.instance(kind, app, instance))

    def put_service(self, record: ServiceRecord) -> None:
        """Note what a service was brought to."""
        self.store.put(service_keys.installed(record.service.service), record.to_json())
