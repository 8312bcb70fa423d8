"""Floating IPs go from one ingress to another: the machine first, then the cloud."""

import threading
from collections import defaultdict
from collections.abc import Collection
from ipaddress import IPv4Address

from executors.cloud import CloudSettings
from executors.floating_files import floating_script
from executors.floating_ips import FloatingIps
from executors.remote import Remote
from gitops.executor import StepContext
from gitops.floating import settled_addresses
from model import keys
from model.errors import StepFailed
from model.names import FloatingIpName, NodeName
from model.registered import FloatingRecord
from model.steps import GiveBackFloatingIp, HoldFloatingIp, SettleFloatingIps

SCRIPT_SECONDS = 30.0


class Floating:
    """Carries out `HoldFloatingIp`, `SettleFloatingIps` and `GiveBackFloatingIp`."""

    def __init__(self, remote: Remote, settings: CloudSettings) -> None:
        self._remote = remote
        self._settings = settings
        # The script of a machine names all its addresses: two that take one each must not undo each other.
        self._alone: defaultdict[NodeName, threading.Lock] = defaultdict(threading.Lock)

    def hold(self, step: HoldFloatingIp, context: StepContext) -> None:
        """Have a machine answer at the address, and then the cloud send it there: so it is never sent to nobody."""
        registry = context.registry
        ips = self._ips(context)
        registry.store.check_fence()
        found = ips.ensure(step.name, step.location)
        record = registry.read().floating_ips.get(step.name)
        if record is None or record.ip != found.ip:
            record = FloatingRecord(ip=found.ip)
            # Known as ours before anybody takes it.
            registry.put_floating_ip(step.name, record)
        context.report(f"{step.node} takes {found.ip}")
        self._take(step.node, found.ip, context)
        context.report(f"sending {found.ip} to {step.node}")
        # Noted first: an answer may be lost, and what the cloud was asked for be done all the same.
        registry.put_floating_ip(step.name, record.model_copy(update={"unsure": True}))
        ips.assign(step.name, step.node)
        registry.put_floating_ip(step.name, FloatingRecord(ip=found.ip, node=step.node))
        context.report(f"{step.node} holds {found.ip}")

    def settle(self, step: SettleFloatingIps, context: StepContext) -> None:
        """Have machines take what they hold and let go of what they do not; one that fails holds up no other.

        Where the addresses lead to is asked of the cloud first, for nobody may let go of one that is sent to him.
        """
        for name in step.names:
            self._see(name, context)
        failed: list[StepFailed] = []
        for node in step.nodes:
            with self._alone[node]:
                registered = context.registry.read()
                if node not in registered.nodes:
                    continue
                try:
                    self._tell(node, settled_addresses(node, step.names, registered), context)
                except StepFailed as error:
                    failed.append(error)
        if failed:
            raise StepFailed("; ".join(error.sentence for error in failed), failed[0].output)

    def give_back(self, step: GiveBackFloatingIp, context: StepContext) -> None:
        """Pay no more for an address, and forget it; who still answers at it lets go of it later."""
        registry = context.registry
        registry.store.check_fence()
        there_was_one = self._ips(context).give_back(step.name)
        registry.store.delete(keys.floating_ip(step.name))
        context.report("it is given back" if there_was_one else "it was gone already")

    def _see(self, name: FloatingIpName, context: StepContext) -> None:
        """Note where the cloud sends an address."""
        registered = context.registry.read()
        before = registered.floating_ips.get(name)
        if before is None:
            return
        node = self._ips(context).leads_to(name, before.ip)
        now = FloatingRecord(ip=before.ip, node=node if node in registered.nodes else None)
        if now != before:
            context.registry.put_floating_ip(name, now)
            context.report(f"{before.ip} leads to {now.node or 'nobody'}")

    def _ips(self, context: StepContext) -> FloatingIps:
        return FloatingIps(self._settings, context.registry.cluster().cluster)

    def _take(self, node: NodeName, address: IPv4Address, context: StepContext) -> None:
        with self._alone[node]:
            told = context.registry.read().floated.get(node, ())
            wanted = {*map(IPv4Address, told), address}
            # Noted first: whoever finds this half done knows what the machine may answer at.
            context.registry.put_floated(node, [str(one) for one in wanted])
            self._tell(node, wanted, context)

    def _tell(self, node: NodeName, addresses: Collection[IPv4Address], context: StepContext) -> None:
        self._remote.run(node, floating_script(addresses), context.fence, SCRIPT_SECONDS)
        context.registry.put_floated(node, [str(one) for one in addresses])
