"""Clusters of any size, as the files of a cluster repo and as what would be registered of them."""

from gitops import desired
from gitops.firewall import firewall_digest
from gitops.manifests import Manifests
from gitops.networked import mesh_digest
from gitops.plan import plan
from gitops.registered_tree import parse
from gitops.routed import routing_digest, routing_nodes
from model import keys
from model.names import MeshName, NodeName
from model.registered import (
    HostRecord,
    InstanceRecord,
    MeshMember,
    NodeRecord,
    OverlayLease,
    Registered,
    Stable,
    WireGuardEnd,
)
from model.steps import StartInstance

FIRST, SECOND = "1" * 40, "2" * 40
FIRST_PORT = 5001

_CLUSTER = """\
cluster: flstr-bench
pools:
  controller: {{role: controller, count: 1, first: 1}}
  worker: {{role: worker, count: {workers}, first: 101}}
  ingress: {{role: ingress, count: 1, first: 16}}
meshes:
  vpn_ctrl: {{subnet: 10.110.0.0/16, port: 760, hubs: [controller], members: [worker, ingress, service]}}
  vpn_ingr: {{subnet: 10.111.0.0/16, port: 762, hubs: [ingress], members: [worker]}}
people:
  operator: {{slack: U01OPERATOR, email: operator@flstr.lab, may: [read, deploy, scale, sync, approve]}}
"""

_APP = """\
app: {name}
kind: backend
repo: git://git.example.com/{name}.git
commit: "{commit}"
instances: 2
build: build.sh
run: run.sh
health:
  path: /health
update:
  healthy_deadline: 30s
publish:
  port: {port}
env_prefix: {prefix}
env:
  PROTOCOL: http
  PATH: /
ingress:
  - host: {name}.flstr.lab
    port: 80
    location: /
"""


_PUBLIC_KEY = f"-----BEGIN RSA PUBLIC KEY-----\n{('k' * 64 + chr(10)) * 11}-----END RSA PUBLIC KEY-----\n"


def files(nodes: int, apps: int = 20, commit: str = FIRST) -> dict[str, str]:
    """A cluster repo with so many machines: a controller, an ingress, and workers."""
    found = {"cluster.yaml": _CLUSTER.format(workers=nodes - 2)}
    for number in range(apps):
        name = f"app{number}"
        text = _APP.format(name=name, commit=commit, port=FIRST_PORT + number, prefix=name.upper())
        found[f"apps/{name}.yaml"] = text
    return found


def registered(manifests: Manifests) -> Registered:
    """What etcd holds once everything that the manifests want is there."""
    cluster = manifests.cluster
    found: dict[str, str] = {}
    for number, (name, pool) in enumerate(cluster.nodes().items(), start=1):
        addresses = {mesh: _address(mesh, number) for mesh in cluster.meshes_of(pool.role)}
        pool_name = cluster.pool_of(name) or ""
        ip = f"198.51.100.{number}"
        record = NodeRecord(name=name, ip=ip, services=(), role=pool.role, pool=pool_name, addresses=addresses)
        found[keys.node(name)] = record.to_json()
        found[keys.host(name)] = HostRecord(node=name, host_key="ssh-ed25519 AAAA", ip=ip, server_id=number).to_json()
    apps = list(manifests.apps.values())
    found |= desired.app_keys(apps) | desired.ingress_keys(desired.ingress_records(apps))
    for step in (planned.step for change in plan(manifests, parse(found)).changes for planned in change.steps):
        if isinstance(step, StartInstance):
            stable = Stable(app=step.app, spec=manifests.spec(step.app), revision="", at=0)
            found[keys.stable(step.app.kind, step.app.app)] = stable.to_json()
            record_of = InstanceRecord(node=step.node, ip="10.111.0.9", port=20000, commit=step.app.commit)
            found[keys.instance(step.app.kind, step.app.app, step.instance)] = record_of.to_json()
    of_meshes = members(manifests)
    settled = parse(found).model_copy(update={"members": of_meshes})
    routed = {node: routing_digest(settled, node) for node in routing_nodes(settled)}
    meshed = {node: mesh_digest(node, cluster, of_meshes) for node in settled.nodes}
    walled = {node: firewall_digest(node, cluster, settled) for node in settled.nodes}
    return settled.model_copy(update={"routed": routed, "meshed": meshed, "walled": walled})


def members(manifests: Manifests) -> dict[MeshName, dict[NodeName, MeshMember]]:
    """Every machine in each of its meshes, with a key of the size of tinc's."""
    cluster = manifests.cluster
    found: dict[str, dict[str, MeshMember]] = {mesh: {} for mesh in cluster.meshes}
    for number, (name, pool) in enumerate(cluster.nodes().items(), start=1):
        for mesh in cluster.meshes_of(pool.role):
            found[mesh][name] = MeshMember(
                node=name,
                role=pool.role,
                endpoint=f"198.51.100.{number}",
                address=_address(mesh, number),
                public_key=_PUBLIC_KEY,
            )
    return found


def leases(of: Registered) -> dict[str, OverlayLease]:
    """A subnet of the overlay for every machine."""
    return {
        f"10.5.{number}.0/24": OverlayLease(
            public_ip=record.ip, backend_data=WireGuardEnd(public_key=f"{str(number).ljust(43, 'k')}=")
        )
        for number, record in enumerate(of.nodes.values(), start=1)
    }


def _address(mesh: str, number: int) -> str:
    return f"10.{110 if mesh == 'vpn_ctrl' else 111}.0.{number}"
