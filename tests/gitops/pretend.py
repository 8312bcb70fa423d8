"""Executors that do nothing to any machine and register what the real ones would."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from gitops.certificates import put_asked_for, put_issued
from gitops.enrolment import enrolment_digest
from gitops.executor import Executor, Executors, StepContext
from gitops.firewall import firewall_digest
from gitops.floating import settled_addresses
from gitops.names import wanted_names
from gitops.networked import mesh_digest, overlay_digest
from gitops.overlay_leases import claim, drop, read_leases
from gitops.routed import certificates_of, routing_digest, routing_nodes
from gitops.service_leader import led_by
from model import keys
from model.errors import StepFailed
from model.networks import OVERLAY
from model.registered import FloatingRecord, HostRecord, InstanceRecord, NodeRecord, ServiceRecord
from model.service_steps import ApplyService, LeadService, RemoveService, RestoreService
from model.steps import (
    CreateNode,
    DestroyNode,
    DrainInstance,
    EndCluster,
    EnrolNodes,
    GiveBackFloatingIp,
    GiveBackOrphan,
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
from tests.gitops.scene import ADDRESS, FLOATING, NOON, asked_for, certificate, lease, public_ip


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
            "node.enrol": self._enrol,
            "names.point": self._point,
            "floating_ip.hold": self._hold,
            "floating_ip.settle": self._settle,
            "floating_ip.give_back": self._give_back,
            "orphan.give_back": self._give_back_orphan,
            "cluster.end": self._end,
            "service.apply": self._apply_service,
            "service.note": lambda step, context: self._note_service(
                step.service.service, context, service=step.service
            ),
            "service.lead": self._lead_service,
            "service.back_up": self._nothing,
            "service.restore": self._restore_service,
            "service.remove": self._remove_service,
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
                serials = {name: issued.serial for name, issued in certificates_of(node, registered).items()}
                context.registry.put_certified(node, serials)
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

    def _enrol(self, step: EnrolNodes, context: StepContext) -> None:
        registered = context.registry.read()
        for node in registered.nodes.keys() & set(step.nodes):
            context.registry.put_enrolled(node, enrolment_digest(registered))

    def _destroy(self, step: DestroyNode, context: StepContext) -> None:
        if context.registry.cluster().dissolved:
            context.registry.forget_node(step.node)
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

    def _give_back_orphan(self, step: GiveBackOrphan, context: StepContext) -> None:
        context.registry.store.delete(keys.orphan(f"{step.orphan.kind}-{step.orphan.id}"))

    def _end(self, _: EndCluster, context: StepContext) -> None:
        for node in context.registry.read().hosts:
            context.registry.forget_node(node)
            context.registry.forget_host(node)

    def _apply_service(self, step: ApplyService, context: StepContext) -> None:
        name = step.service.service
        before = context.registry.read().services[name].record
        restored = None if before is None else before.restored
        nodes = tuple(dict.fromkeys((*step.nodes, *step.leaving)))
        context.registry.put_service(
            ServiceRecord(
                service=step.service, nodes=nodes, leader=step.leader, restored=restored, silent=step.silent,
                digest=step.digest, source=step.source,
            )
        )  # fmt: skip

    def _note_service(self, name: str, context: StepContext, **update: Any) -> None:
        record = context.registry.read().services[name].record
        assert record is not None
        context.registry.put_service(record.model_copy(update=update))

    def _lead_service(self, step: LeadService, context: StepContext) -> None:
        registry = context.registry
        registered = registry.read()
        record = registered.services[step.service].record
        assert record is not None
        registry.put_service(led_by(record, step.leader, registry.cluster(), registered))

    def _restore_service(self, step: RestoreService, context: StepContext) -> None:
        self._note_service(step.service, context, restored=step.backup)

    def _remove_service(self, step: RemoveService, context: StepContext) -> None:
        record = context.registry.read().services[step.service.service].record
        nodes = () if record is None else tuple(node for node in record.nodes if node not in step.nodes)
        self._note_service(step.service.service, context, nodes=nodes)


def fail_at(kind: str, sentence: str = "it did not work") -> Callable[[Any], None]:
    """Has every step of a kind fail."""

    def before(step: Any) -> None:
        if step.kind == kind:
            raise StepFailed(sentence, "the last line")

    return before
