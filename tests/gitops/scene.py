"""A small cluster in words: its manifests as text and as models, and executors that only register."""

import itertools
import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from gitops import desired
from gitops.certificates import put_asked_for, put_issued
from gitops.executor import Executor, Executors, StepContext
from gitops.firewall import firewall_digest
from gitops.floating import settled_addresses
from gitops.manifests import Manifests, load
from gitops.names import wanted_names
from gitops.networked import mesh_digest, overlay_digest
from gitops.overlay_leases import claim, drop, read_leases
from gitops.registry import parse
from gitops.routed import routing_digest, routing_nodes
from model import keys
from model.app import App
from model.certificates import IssuedCertificate
from model.cluster import OVERLAY, Cluster
from model.errors import StepFailed
from model.names import Role, node_name
from model.registered import (
    FloatingRecord,
    HostRecord,
    InstanceRecord,
    NodeRecord,
    OverlayLease,
    Registered,
    Stable,
    WireGuardEnd,
)
from model.steps import (
    CreateNode,
    DestroyNode,
    DrainInstance,
    GiveBackFloatingIp,
    HoldFloatingIp,
    JoinMeshes,
    JoinOverlay,
    LeaveMeshes,
    LeaveOverlay,
    ObtainCertificate,
    PointNames,
    RefreshMeshes,
    SettleFloatingIps,
    StartInstance,
    StopInstance,
    WriteKeys,
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
    return OverlayLease(public_ip=public_ip(node), backend_data=WireGuardEnd(public_key=f"key of {node}"))


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


class Pretend:
    """Executors that do nothing to any machine and register what the real ones would."""

    def __init__(self, clock: Callable[[], datetime] = lambda: NOON) -> None:
        self.done: list[str] = []
        self.clock = clock
        self.before: Callable[[Any], None] = lambda _: None
        self._routing = threading.Lock()
        self._leaving = threading.Lock()
        self.act: dict[str, Executor] = {
            "node.create": self._create,
            "mesh.join": self._join,
            "mesh.refresh": self._refresh,
            "overlay.join": self._join_overlay,
            "overlay.leave": self._leave_overlay,
            "registry.write": self._write,
            "release.build": self._nothing,
            "instance.start": self._start,
            "instance.watch": self._nothing,
            "routing.apply": self._route,
            "instance.drain": self._drain,
            "instance.stop": self._stop,
            "certificate.obtain": self._obtain,
            "mesh.leave": self._leave,
            "node.destroy": self._destroy,
            "names.point": self._point,
            "floating_ip.hold": self._hold,
            "floating_ip.settle": self._settle,
            "floating_ip.give_back": self._give_back,
        }

    def executors(self) -> Executors:
        """One for each kind of step."""
        return {kind: self._noted(kind) for kind in self.act}

    def _noted(self, kind: str) -> Executor:
        def run(step: Any, context: StepContext) -> None:
            self.before(step)
            self.done.append(kind)
            self.act[kind](step, context)

        return run

    def _nothing(self, _: Any, context: StepContext) -> None:
        context.report("nothing to do")

    def _create(self, step: CreateNode, context: StepContext) -> None:
        ip = public_ip(step.node)
        context.registry.put_host(HostRecord(node=step.node, host_key="ssh-ed25519 AAAA", ip=ip, server_id=1))

    def _join(self, step: JoinMeshes, context: StepContext) -> None:
        cluster, registered = context.registry.cluster(), context.registry.read()
        hosts = registered.hosts
        for node in hosts.keys() & set(step.nodes):
            pool = cluster.pool_of(node) or ""
            role = cluster.pools[pool].role
            before = registered.nodes[node].addresses if node in registered.nodes else {}
            addresses = {**before, **dict.fromkeys(cluster.meshes_of(role), ADDRESS)}
            record = NodeRecord(name=node, ip=public_ip(node), services=(), role=role, pool=pool, addresses=addresses)
            context.registry.put_node(record)
        self._refresh(step, context)
        if absent := set(step.nodes) - hosts.keys():
            raise StepFailed(f"{', '.join(sorted(absent))} did not join: no address is registered")

    def _refresh(self, step: JoinMeshes | RefreshMeshes, context: StepContext) -> None:
        for node in step.nodes:
            context.registry.put_meshed(node, mesh_digest(node, context.registry.cluster(), {}))
        self._wall(step.nodes, context)

    def _wall(self, nodes: Iterable[str], context: StepContext) -> None:
        """Whatever changes a machine's networks or routing changes its firewall as well."""
        cluster, registered = context.registry.cluster(), context.registry.read()
        for node in nodes:
            context.registry.put_walled(node, firewall_digest(node, cluster, registered))

    def _join_overlay(self, step: JoinOverlay, context: StepContext) -> None:
        registered = context.registry.read()
        for node in registered.nodes.keys() & set(step.nodes):
            record = registered.nodes[node]
            overlay = context.registry.cluster().overlay
            if overlay is not None:
                claim(context.registry.store, overlay, lease(node))
            inside = {**record.addresses, OVERLAY: ADDRESS}
            context.registry.put_node(record.model_copy(update={"addresses": inside}))
        digest = overlay_digest(context.registry.cluster(), read_leases(context.registry.store))
        for node in registered.overlaid.keys() | registered.nodes.keys() & set(step.nodes):
            context.registry.put_overlaid(node, digest)
        if absent := set(step.nodes) - registered.nodes.keys():
            raise StepFailed(f"{', '.join(sorted(absent))} did not join the overlay: no address is registered")

    def _leave_overlay(self, step: LeaveOverlay, context: StepContext) -> None:
        store = context.registry.store
        with self._leaving:
            drop(store, public_ip(step.node))
            store.delete(keys.overlaid(step.node))
            digest = overlay_digest(context.registry.cluster(), read_leases(store))
            for node in context.registry.read().overlaid:
                context.registry.put_overlaid(node, digest)

    def _write(self, step: WriteKeys, context: StepContext) -> None:
        context.registry.store.write(step.put, step.delete)

    def _start(self, step: StartInstance, context: StepContext) -> None:
        port = context.registry.allot_port(step.node, step.app, step.instance)
        record = InstanceRecord(node=step.node, ip="10.111.0.9", port=port, commit=step.app.commit)
        context.registry.put_instance(step.app.kind, step.app.app, step.instance, record)

    def _route(self, _: Any, context: StepContext) -> None:
        with self._routing:
            registered = context.registry.read()
            for node in routing_nodes(registered):
                context.registry.put_routed(node, routing_digest(registered, node))
            self._wall(routing_nodes(registered), context)

    def _drain(self, step: DrainInstance, context: StepContext) -> None:
        context.registry.delete_instance(step.app_kind, step.app, step.instance)
        self._route(step, context)

    def _stop(self, step: StopInstance, context: StepContext) -> None:
        context.registry.free_port(step.node, step.app_kind, step.app, step.instance)

    def _obtain(self, step: ObtainCertificate, context: StepContext) -> None:
        issued = certificate(step.name, self.clock())
        put_asked_for(context.registry.store, asked_for(issued))
        put_issued(context.registry.store, step.name, issued)

    def _leave(self, step: LeaveMeshes, context: StepContext) -> None:
        context.registry.forget_node(step.node)

    def _destroy(self, step: DestroyNode, context: StepContext) -> None:
        context.registry.forget_host(step.node)

    def _point(self, step: PointNames, context: StepContext) -> None:
        registered = context.registry.read()
        wanted = wanted_names(context.registry.cluster(), registered.without_nodes(step.without))
        put = {keys.dns_name(name): " ".join(addresses) for name, addresses in wanted.items()}
        context.registry.store.write(put, [keys.dns_name(name) for name in registered.names.keys() - wanted.keys()])

    def _hold(self, step: HoldFloatingIp, context: StepContext) -> None:
        registered = context.registry.read()
        ip = registered.floating_ips[step.name].ip if step.name in registered.floating_ips else FLOATING
        context.registry.put_floating_ip(step.name, FloatingRecord(ip=ip, node=step.node))
        context.registry.put_floated(step.node, {*registered.floated.get(step.node, ()), str(ip)})

    def _settle(self, step: SettleFloatingIps, context: StepContext) -> None:
        registered = context.registry.read()
        for name in step.names:
            if (record := registered.floating_ips.get(name)) is not None and record.unsure:
                context.registry.put_floating_ip(name, record.model_copy(update={"unsure": False}))
        for node in step.nodes:
            addresses = settled_addresses(node, step.names, registered)
            context.registry.put_floated(node, [str(one) for one in addresses])

    def _give_back(self, step: GiveBackFloatingIp, context: StepContext) -> None:
        context.registry.store.delete(keys.floating_ip(step.name))


def fail_at(kind: str, sentence: str = "it did not work") -> Callable[[Any], None]:
    """Has every step of a kind fail."""

    def before(step: Any) -> None:
        if step.kind == kind:
            raise StepFailed(sentence, "the last line")

    return before


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
