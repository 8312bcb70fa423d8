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
from model.names import NodeName
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
        ips = FloatingIps(self._settings, registry.cluster().cluster)
        registry.store.check_fence()
        found = ips.ensure(step.name, step.location)
        before = registry.read().floating_ips.get(step.name)
        if before is None or before.ip != found.ip:
            # Known as ours before anybody takes it.
            registry.put_floating_ip(step.name, FloatingRecord(ip=found.ip))
        context.report(f"{step.node} takes {found.ip}")
        self._take(step.node, found.ip, context)
        context.report(f"sending {found.ip} to {step.node}")
        registry.store.check_fence()
        ips.assign(step.name, step.node)
        registry.put_floating_ip(step.name, FloatingRecord(ip=found.ip, node=step.node))
        context.report(f"{step.node} holds {found.ip}")

    def settle(self, step: SettleFloatingIps, context: StepContext) -> None:
        """Have machines take what they hold and let go of what they do not; one that fails holds up no other."""
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
        there_was_one = FloatingIps(self._settings, registry.cluster().cluster).give_back(step.name)
        registry.store.delete(keys.floating_ip(step.name))
        context.report("it is given back" if there_was_one else "it was gone already")

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
