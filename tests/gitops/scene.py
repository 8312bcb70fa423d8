"""A small cluster in words: its manifests as text and as models, and what etcd would hold of it."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from gitops import desired
from gitops.firewall import firewall_digest
from gitops.manifests import Manifests, load
from gitops.networked import mesh_digest, overlay_digest
from gitops.registered_tree import parse
from gitops.routed import routing_digest, routing_nodes
from model import keys
from model.app import App
from model.certificates import IssuedCertificate
from model.cluster import Cluster
from model.names import Role, node_name
from model.networks import OVERLAY
from model.registered import (
    HostRecord,
    InstanceRecord,
    NodeRecord,
    OverlayLease,
    Registered,
    Stable,
    WireGuardEnd,
)
from model.transparency import AskedFor, CertificateId, Issuer, Renewal

EXAMPLE = Path(__file__).parents[2] / "cluster-repo-example"
CLUSTER_YAML = (EXAMPLE / "cluster.yaml").read_text()
# The example with its meshes alone.
WITHOUT_OVERLAY = re.sub(r"(?m)^#.*\noverlay:\n(  .*\n)+\n", "", CLUSTER_YAML)
FIRST = "1" * 40
SECOND = "2" * 40
ADDRESS = "10.111.0.9"
FLOATING = IPv4Address("10.78.0.1")
HOST = "influencer.flstr.lab"
DIRECTORY = "https://acme.example/directory"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SERIALS = itertools.count(1)


def app_yaml(repo: str = "https://git.example.com/influencer.git", commit: str = FIRST) -> str:
    """The example's app, from another repository at another commit."""
    text = (EXAMPLE / "apps/influencer.yaml").read_text()
    lines = []
    for line in text.splitlines():
        if line.startswith("repo:"):
            lines.append(f"repo: {repo}")
        elif line.startswith("commit:"):
            lines.append(f'commit: "{commit}"')
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def secured(text: str, *hosts: str) -> str:
    """An app whose public hosts are served by https; without `hosts`, the example's."""
    bindings = "".join(f'  - host: "{host}"\n    ssl: true\n' for host in hosts or (HOST,))
    return f"{text.partition('ingress:')[0]}ingress:\n{bindings}"


def files(changes: dict[str, str] | None = None) -> dict[str, str]:
    """The files of the example, some of them replaced."""
    return {"cluster.yaml": CLUSTER_YAML, "apps/influencer.yaml": app_yaml(), **(changes or {})}


def manifests(cluster_yaml: str = CLUSTER_YAML, app_text: str | None = None) -> Manifests:
    """The example's manifests."""
    return load({"cluster.yaml": cluster_yaml, "apps/influencer.yaml": app_text or app_yaml()})


def app(commit: str = FIRST) -> App:
    """The example's app."""
    return load(files({"apps/influencer.yaml": app_yaml(commit=commit)})).apps["backend", "influencer"]


def spec(commit: str = FIRST, cluster_yaml: str = CLUSTER_YAML) -> str:
    """What the names of the example's instances end with."""
    known = manifests(cluster_yaml, app_yaml(commit=commit))
    return known.spec(known.apps["backend", "influencer"])


def public_ip(node: str) -> str:
    """Where a machine is rented: 10.77.0.101 for worker101."""
    return f"10.77.0.{int(node[-3:])}"


def lease(node: str) -> OverlayLease:
    """What a machine holds in the overlay."""
    return OverlayLease(public_ip=public_ip(node), backend_data=WireGuardEnd(public_key=f"key-of-{node}"))


def certificate(name: str, now: datetime, days: int = 90, directory: str = DIRECTORY) -> IssuedCertificate:
    """As an authority would have issued it now; no two have the same serial number."""
    return IssuedCertificate(
        names=(name,),
        chain="a chain",
        sealed_key="-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n",
        serial=f"{next(SERIALS):x}",
        not_before=now,
        not_after=now + timedelta(days=days),
        issued_at=now,
        directory=directory,
    )


def asked_for(issued: IssuedCertificate, renewal: Renewal = "no") -> AskedFor:
    """What is noted when it was issued."""
    number = CertificateId(issuer=Issuer(organisation="Let's Encrypt", common_name="R11"), serial=issued.serial)
    return AskedFor(
        id=number,
        not_after=issued.not_after,
        names=issued.names,
        at=issued.issued_at,
        renewal=renewal,
        directory=issued.directory,
    )


def registered(
    workers: int = 2,
    instances: dict[str, InstanceRecord] | None = None,
    cluster_yaml: str = CLUSTER_YAML,
    app_text: str | None = None,
) -> Registered:
    """The example's cluster as etcd would hold it, with some workers and instances, all routed."""
    nodes: dict[str, Role] = {"controller001": "controller", "ingress016": "ingress"}
    nodes.update({node_name("worker", 101 + number): "worker" for number in range(workers)})
    found: dict[str, str] = {}
    cluster = manifests(cluster_yaml).cluster
    for name, role in nodes.items():
        networks = [*cluster.meshes_of(role), *([OVERLAY] if cluster.has_overlay(role) else [])]
        addresses = dict.fromkeys(networks, ADDRESS)
        record = NodeRecord(name=name, ip=public_ip(name), services=(), role=role, pool=role, addresses=addresses)
        found[keys.node(name)] = record.to_json()
        found[keys.host(name)] = HostRecord(node=name, host_key="ssh-ed25519 AAAA", ip=public_ip(name)).to_json()
    apps = list(manifests(app_text=app_text).apps.values())
    found |= desired.app_keys(apps) | desired.ingress_keys(desired.ingress_records(apps))
    specs = {name.partition("-")[2] for name in instances or ()}
    served = specs.pop() if len(specs) == 1 else spec(FIRST, cluster_yaml)
    stable = Stable(app=apps[0], spec=served, revision="a" * 40, at=0)
    found[keys.stable("backend", "influencer")] = stable.to_json()
    for name, instance in (instances or {}).items():
        found[keys.instance("backend", "influencer", name)] = instance.to_json()
    tree = parse(found)
    routed = {node: routing_digest(tree, node) for node in routing_nodes(tree)}
    meshed = {node: mesh_digest(node, cluster, {}) for node in nodes}
    inside = [node for node, role in nodes.items() if cluster.has_overlay(role)]
    leases = {f"10.5.{number}.0/24": lease(node) for number, node in enumerate(inside, start=1)}
    overlaid = dict.fromkeys(inside, overlay_digest(cluster, leases))
    noted = {"routed": routed, "meshed": meshed, "leases": leases, "overlaid": overlaid}
    return walled(cluster, tree.model_copy(update=noted))


def walled(cluster: Cluster, tree: Registered) -> Registered:
    """The tree with the firewall of every machine as it should be."""
    digests = {node: firewall_digest(node, cluster, tree) for node in tree.nodes}
    return tree.model_copy(update={"walled": digests})


def instance(node: str, commit: str = FIRST, port: int = 20000) -> InstanceRecord:
    """A registered instance."""
    return InstanceRecord(node=node, ip="10.111.0.9", port=port, commit=commit)
