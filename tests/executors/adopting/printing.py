"""What the machines of a registered cluster would print of themselves."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from types import MappingProxyType

from executors.adopting import facts
from executors.adopting.survey import Inventory, Server, Survey
from executors.firewall import ZONES_FOLDER, zone_file
from executors.mesh_files import hosts_lines, places
from executors.nginx_files import NGINX_CONFIG
from executors.overlay_files import place_of, wireguard_files
from executors.routing_files import HAPROXY_CONFIG, routing_files
from gitops import desired
from gitops.firewall import firewall_digest, zones_of
from gitops.manifests import Manifests
from gitops.networked import mesh_digest, overlay_digest
from gitops.overlay_leases import configuration, lease_of
from gitops.registered_tree import parse
from gitops.routed import ROUTING_ROLES, routing_digest
from model import keys
from model.cluster import Cluster
from model.networks import OVERLAY
from model.registered import (
    HostRecord,
    InstanceRecord,
    MeshMember,
    NodeRecord,
    OverlayLease,
    PortRecord,
    Registered,
    Stable,
    WireGuardEnd,
)
from tests.gitops.scene import manifests, public_ip

REVISION, NOW = "a" * 40, 5000.0
EXAMPLE = manifests()


@dataclass
class Machine:
    """One machine's printout, a line a fact."""

    lines: list[str] = field(default_factory=list)

    def say(self, *fields: object) -> None:
        self.lines.append("\t".join(map(str, fields)))

    def file(self, path: str, text: str) -> None:
        self.say("file", hashlib.sha256(text.encode()).hexdigest(), path)

    @property
    def printed(self) -> str:
        return "\n".join([*self.lines, "end", ""])


def machine(node: str, cluster: Cluster, tree: Registered) -> Machine:
    """A machine that is all that is registered of it."""
    said, of_node = Machine(), places(node, cluster, tree.members)
    for place in of_node:
        pem = base64.b64encode(place.me.public_key.encode()).decode()
        said.say("mesh", place.name, node, f"{place.me.address}/32", place.mesh.port, pem, "-", "yes")
        said.say("active", f"tinc@{place.name}.service")
        for path, text in place.folder().items():
            said.file(f"/etc/tinc/{place.name}/{path}", text)
    said.file("/etc/hosts#mesh", hosts_lines(of_node))
    _overlay(said, node, cluster, tree)
    for zone in zones_of(node, cluster, tree):
        said.file(f"{ZONES_FOLDER}/{zone.name}.xml", zone_file(zone))
    for unit in ("firewalld", "haproxy", "nginx"):
        said.say("active", f"{unit}.service")
    if tree.nodes[node].role != "controller":
        files = routing_files(tree, node)
        said.file(HAPROXY_CONFIG, files.haproxy)
        said.file(NGINX_CONFIG, files.nginx or "the package's own")
    for (kind, app), record in sorted(tree.apps.items()):
        for instance, one in sorted(record.instances.items()):
            if one.node == node:
                unit = f"flstr-{kind}-{app}-{instance}.service"
                said.say("instance", unit, "yes", app, instance, one.commit, one.ip, one.port)
    for address in tree.floated.get(node, ()):
        said.say("floats", address)
    said.say("fence", "leader", 41)
    return said


def _overlay(said: Machine, node: str, cluster: Cluster, tree: Registered) -> None:
    record = tree.nodes[node]
    lease = lease_of(record.ip, tree.leases)
    if cluster.overlay is None or lease is None or OVERLAY not in record.addresses:
        return
    of_node = place_of(node, cluster.overlay, tree)
    said.say("overlay", lease.backend_data.public_key, f"{of_node.address}/32", lease.backend_data.port)
    said.say("active", "wg-quick@flannel-wg.service")
    for path, text in wireguard_files(of_node).items():
        said.file(path, text)
    said.file("/etc/hosts#overlay", of_node.hosts_lines)


def inventory(tree: Registered) -> Inventory:
    """What the cloud has of it."""
    servers = tuple(
        Server(node, number, str(IPv4Address(str(host.ip))), tree.nodes[node].pool, "")
        for number, (node, host) in enumerate(sorted(tree.hosts.items()), start=1)
        if node in tree.nodes
    )
    floating = {name: (record.ip, record.node) for name, record in tree.floating_ips.items()}
    return Inventory(servers, floating, {name: frozenset(addresses) for name, addresses in tree.names.items()})


def pem(text: str) -> str:
    """Something of the shape of tinc's public key."""
    body = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"-----BEGIN RSA PUBLIC KEY-----\n{body}\n-----END RSA PUBLIC KEY-----\n"


def overlay_key(node: str) -> str:
    """Something of the shape of WireGuard's public key."""
    return base64.b64encode(hashlib.sha256(node.encode()).digest()).decode()


def running(known: Manifests = EXAMPLE, public: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """What etcd holds of the example while it runs, with an instance on each worker; `public` are records of floating
    IPs, names and certificates."""
    cluster, app = known.cluster, known.apps["backend", "influencer"]
    assert cluster.overlay is not None
    found = {keys.CLUSTER: cluster.to_json(), keys.OVERLAY_CONFIG: configuration(cluster.overlay)}
    nodes = cluster.nodes()
    for number, (node, pool) in enumerate(sorted(nodes.items()), start=1):
        addresses = {}
        host = HostRecord(node=node, host_key=f"ssh-ed25519 {node}", ip=public_ip(node), server_id=number)
        found[keys.host(node)] = host.to_json()
        for mesh in cluster.meshes_of(pool.role):
            addresses[mesh] = str(cluster.meshes[mesh].subnet.network_address + number)
            member = MeshMember(
                node=node, role=pool.role, endpoint=public_ip(node), address=addresses[mesh],
                port=cluster.meshes[mesh].port, public_key=pem(f"{mesh} {node}"),
            )  # fmt: skip
            found[keys.mesh_member(mesh, node)] = member.to_json()
            found[keys.mesh_address(mesh, addresses[mesh])] = node
        if cluster.has_overlay(pool.role):
            addresses[OVERLAY] = f"10.5.{number}.0"
            lease = OverlayLease(public_ip=public_ip(node), backend_data=WireGuardEnd(public_key=overlay_key(node)))
            found[keys.overlay_subnet(f"10.5.{number}.0/24")] = lease.to_json()
        services = ("backend", "frontend") if pool.role == "worker" else (pool.role,)
        record = NodeRecord(
            name=node, ip=public_ip(node), services=services, role=pool.role, pool=cluster.pool_of(node) or "",
            addresses=addresses,
        )  # fmt: skip
        found[keys.node(node)] = record.to_json()
    for number, node in enumerate(("worker101", "worker102"), start=1):
        name, address = f"{number}-{known.spec(app)}", parse(found).nodes[node].addresses[OVERLAY]
        found[keys.port(node, 20000)] = PortRecord(kind="backend", app=app.app, instance=name).to_json()
        instance = InstanceRecord(node=node, ip=address, port=20000, commit=app.commit)
        found[keys.instance("backend", app.app, name)] = instance.to_json()
    found |= desired.app_keys([app]) | desired.ingress_keys(desired.ingress_records([app]))
    found |= public
    stable = Stable(app=app, spec=known.spec(app), revision=REVISION, at=NOW)
    found[keys.stable("backend", app.app)] = stable.to_json()
    tree = parse(found)
    for node in nodes:
        found[keys.meshed(node)] = mesh_digest(node, cluster, tree.members)
        found[keys.walled(node)] = firewall_digest(node, cluster, tree)
        if cluster.has_overlay(nodes[node].role):
            found[keys.overlaid(node)] = overlay_digest(cluster, tree.leases)
        if nodes[node].role in ROUTING_ROLES:
            found[keys.routed(node)] = routing_digest(tree, node)
    return found


def survey(found: dict[str, str], changed: dict[str, Machine] | None = None, known: Manifests = EXAMPLE) -> Survey:
    """What is seen of a cluster that is all that etcd holds of it, but for some machines."""
    tree, cluster = parse(found), known.cluster
    said = {node: machine(node, cluster, tree) for node in tree.nodes} | (changed or {})
    host_keys = {node: record.host_key for node, record in tree.hosts.items()}
    return Survey(inventory(tree), host_keys, {node: facts.parse(one.printed) for node, one in said.items()})
