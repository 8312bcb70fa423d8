"""Machines join the overlay and leave it: a subnet each, and WireGuard's peers on every one."""

from collections.abc import Collection
from threading import Lock

from executors.answers import Answers, failure_of, report_the_silent
from executors.firewall import firewall_of, note_firewall
from executors.overlay_files import (
    address_of,
    leaving_overlay_script,
    overlay_key_script,
    overlay_script,
    place_of,
    public_overlay_key,
    reached_in_overlay,
)
from executors.remote import Remote
from gitops.executor import StepContext
from gitops.networked import overlay_digest, overlay_nodes
from gitops.overlay_leases import claim, drop, put_configuration, read_leases, subnet_of
from gitops.registry import Registry
from model import keys
from model.errors import StepFailed
from model.names import NodeName
from model.networks import OVERLAY, Overlay
from model.registered import NodeRecord, OverlayLease, Registered, WireGuardEnd
from model.steps import JoinOverlay, LeaveOverlay, RetireOverlay

SCRIPT_SECONDS = 120.0
INSTALL_SECONDS = 420.0
LEAVE_SECONDS = 60.0


class OverlayNetwork:
    """Carries out `JoinOverlay`, `LeaveOverlay` and `RetireOverlay`."""

    def __init__(self, ssh: Remote) -> None:
        self._ssh = ssh
        self._leaving = Lock()

    def join(self, step: JoinOverlay, context: StepContext) -> None:
        """Give these machines a subnet, bring the peers of all up to date, and register those that got there.

        A machine that was in the overlay before and does not answer now is reported and keeps nobody out, nor does one
        that is not registered; it is waited for about as long as SSH tries to reach it.
        """
        registry = context.registry
        overlay = registry.cluster().overlay
        if overlay is None:
            raise StepFailed("cluster.yaml has no overlay any more")
        put_configuration(registry.store, overlay)
        absent = set(step.nodes) - registry.read().nodes.keys()
        failed = {node: StepFailed(f"{node}: it has not joined its meshes yet") for node in sorted(absent)}
        step = step.model_copy(update={"nodes": tuple(node for node in step.nodes if node not in absent)})
        failed |= self._claim(step, overlay, context)
        entering = [node for node in step.nodes if node not in failed]
        context.report("setting the peers of every machine")
        answers = self._apply(entering, context)
        if overlay.driver == "wireguard" and _take_keys(answers, overlay, context):
            answers = self._apply(entering, context)
        alive = {node for node, answer in answers.items() if isinstance(answer, str)}
        registered = registry.read()
        for node in entering:
            failure = _why_not_in(node, answers.get(node), alive, registered)
            if failure is None:
                _register(registered.nodes[node], registered, context)
            else:
                failed[node] = failure
        report_the_silent(answers, set(entering), context)
        if failed:
            raise failure_of(failed, "did not join the overlay")

    def leave(self, step: LeaveOverlay, context: StepContext) -> None:
        """Drop a machine's lease, and its peer on every other machine at once, whether it still answers or not.

        One after the other: each gives every machine all of its peers, and the last one has to know who else left.
        """
        with self._leaving:
            registry, registered = context.registry, context.registry.read()
            for ip in _addresses(step.node, registered):
                drop(registry.store, ip)
            context.report("dropping its peer everywhere")
            answers = self._apply((), context, but=step.node)
            stopped = self._ssh.run_all({step.node: leaving_overlay_script()}, context.fence, LEAVE_SECONDS)
            report_the_silent({**answers, **stopped}, {step.node}, context)
            _forget(step.node, registered, registry)

    def retire(self, step: RetireOverlay, context: StepContext) -> None:
        """Stop the overlay on every machine; one that is not reached keeps its address in it."""
        del step
        registry, registered = context.registry, context.registry.read()
        inside = [node for node, record in registered.nodes.items() if OVERLAY in record.addresses]
        cluster, without = registry.cluster(), registered.without((OVERLAY,))
        # The firewall follows once the device is gone.
        scripts = {node: f"{leaving_overlay_script()}\n{firewall_of(node, cluster, without)}" for node in inside}
        answers = self._ssh.run_all(scripts, context.fence, LEAVE_SECONDS)
        for node, answer in answers.items():
            if isinstance(answer, str):
                note_firewall(node, cluster, without, registry)
                drop(registry.store, registered.nodes[node].ip)
                _forget(node, registered, registry)
        if not read_leases(registry.store):
            registry.store.delete(keys.OVERLAY_CONFIG)
        report_the_silent(answers, (), context)

    def _claim(self, step: JoinOverlay, overlay: Overlay, context: StepContext) -> dict[NodeName, StepFailed]:
        """A subnet for each machine that has none; flanneld claims its own once it runs."""
        registered = context.registry.read()
        new = [node for node in step.nodes if subnet_of(_ip(node, registered), registered.leases) is None]
        if overlay.driver == "flanneld":
            scripts = {node: overlay_script(place_of(node, overlay, registered)) for node in new}
            answers = self._ssh.run_all(scripts, context.fence, INSTALL_SECONDS)
            return {node: answer for node, answer in answers.items() if isinstance(answer, StepFailed)}
        answers = self._ssh.run_all(dict.fromkeys(new, overlay_key_script()), context.fence, LEAVE_SECONDS)
        failed = {node: answer for node, answer in answers.items() if isinstance(answer, StepFailed)}
        for node, answer in answers.items():
            if isinstance(answer, str):
                register_overlay_key(node, answer, overlay, context.registry)
        return failed

    def _apply(
        self, entering: Collection[NodeName], context: StepContext, but: NodeName | None = None
    ) -> dict[NodeName, str | StepFailed]:
        """Every machine of the overlay gets its one script; those that enter also wait for the others."""
        cluster, registered = context.registry.cluster(), context.registry.read()
        overlay = cluster.overlay
        if overlay is None:
            return {}
        scripts = {}
        for node in overlay_nodes(cluster, registered):
            of_node = place_of(node, overlay, registered)
            if node != but and of_node.subnet is not None:
                others = [one for one in of_node.names if one.node not in (node, but)]
                reach = others if node in entering else ()
                scripts[node] = overlay_script(of_node, reach, firewall_of(node, cluster, registered))
        answers = self._ssh.run_all(scripts, context.fence, SCRIPT_SECONDS)
        # flanneld writes its own key into a lease when it starts.
        leases = registered.leases if overlay.driver == "wireguard" else read_leases(context.registry.store)
        digest = overlay_digest(cluster, leases)
        for node, answer in sorted(answers.items()):
            if isinstance(answer, str):
                note_firewall(node, cluster, registered, context.registry)
                if registered.overlaid.get(node) != digest:
                    context.registry.put_overlaid(node, digest)
        return answers


def register_overlay_key(node: NodeName, printed: str, overlay: Overlay, registry: Registry) -> None:
    """Claim a subnet with the key that a machine printed; with another key it keeps the one it has."""
    key = public_overlay_key(printed)
    host = registry.host(node)
    if key is None or host is None or host.ip is None:
        raise StepFailed(f"{node}: it printed no key for the overlay", printed)
    end = WireGuardEnd(public_key=key, port=overlay.port)
    before = registry.read().nodes.get(node)
    address = None if before is None else before.addresses.get(OVERLAY)
    claim(registry.store, overlay, OverlayLease(public_ip=host.ip, backend_data=end), address)


def _take_keys(answers: Answers, overlay: Overlay, context: StepContext) -> bool:
    """Whether a machine has another key than its lease, such as one that flanneld had before: now it has its own."""
    registered = context.registry.read()
    held = {lease.public_ip: lease.backend_data.public_key for lease in registered.leases.values()}
    changed = False
    for node, answer in answers.items():
        key = public_overlay_key(answer) if isinstance(answer, str) else None
        if isinstance(answer, str) and key is not None and held.get(registered.nodes[node].ip) != key:
            register_overlay_key(node, answer, overlay, context.registry)
            changed = True
    return changed


def _why_not_in(
    node: NodeName, answer: str | StepFailed | None, alive: Collection[NodeName], registered: Registered
) -> StepFailed | None:
    if isinstance(answer, StepFailed):
        return answer
    if answer is None:
        return StepFailed(f"{node}: it has no lease of the overlay")
    others = {name for name in alive if name != node and name in registered.nodes}
    silent = sorted(others - reached_in_overlay(answer))
    if silent:
        return StepFailed(f"{node}: no answer from {', '.join(silent)} through the overlay", answer)
    return None


def _register(record: NodeRecord, registered: Registered, context: StepContext) -> None:
    subnet = subnet_of(record.ip, registered.leases)
    if subnet is None:
        raise StepFailed(f"{record.name}: its lease of the overlay is gone again")
    addresses = {**record.addresses, OVERLAY: address_of(subnet)}
    if record.addresses != addresses:
        context.registry.put_node(record.model_copy(update={"addresses": addresses}))
    context.report(f"{record.name} has {subnet}")


def _forget(node: NodeName, registered: Registered, registry: Registry) -> None:
    record = registered.nodes.get(node)
    if record is not None and OVERLAY in record.addresses:
        addresses = {network: address for network, address in record.addresses.items() if network != OVERLAY}
        registry.put_node(record.model_copy(update={"addresses": addresses}))
    registry.store.delete(keys.overlaid(node))


def _ip(node: NodeName, registered: Registered) -> str:
    record = registered.nodes.get(node)
    if record is None:
        raise StepFailed(f"{node}: it has not joined its meshes yet")
    return record.ip


def _addresses(node: NodeName, registered: Registered) -> frozenset[str]:
    """A machine's public addresses: as it was registered, and as it was rented."""
    record, host = registered.nodes.get(node), registered.hosts.get(node)
    return frozenset(ip for ip in (record and record.ip, host and host.ip) if ip)
