"""DNS names are brought to where they should lead, one after the other, each noted as it is done."""

import threading
from collections.abc import Callable, Collection, Sequence
from ipaddress import ip_address

from executors.cloud import CloudSettings
from executors.records.not_ours import NotOurs
from executors.records.records import TTL_SECONDS, Records
from gitops.executor import Cancellation, StepContext
from gitops.names import wanted_names
from model import keys
from model.errors import Cancelled
from model.names import NodeName
from model.registered import Registered
from model.steps import PointNames

# A domain without a zone concerns every machine.
TOLD = 3

Addresses = tuple[str, ...]
Wait = Callable[[float, Cancellation], None]


def wait_out(seconds: float, cancellation: Cancellation) -> None:
    """Wait, as long as anybody wants the end of it."""
    over = threading.Event()
    with cancellation.ending(over.set):
        if over.wait(seconds):
            raise Cancelled("nobody waits for it any more")


class Names:
    """Carries out `PointNames`."""

    def __init__(self, settings: CloudSettings, wait: Wait = wait_out) -> None:
        self._settings = settings
        self._wait = wait

    def point(self, step: PointNames, context: StepContext) -> None:
        """Make the names that should be, take away those that should not.

        Where an ingress leaves, the names that led to it are noted once nobody remembers that any more: whoever does
        this a second time waits again.
        """
        cluster, registered = context.registry.cluster(), context.registry.read()
        wanted = wanted_names(cluster, registered.without_nodes(step.without))
        leading = _leading_to(step.without, registered)
        records, remembered, left = Records(self._settings, cluster.cluster), dict[str, Addresses](), list[str]()
        for name in sorted(registered.names.keys() | wanted.keys()):
            addresses = wanted.get(name, ())
            if registered.names.get(name, ()) == addresses:
                continue
            why_left = _set(name, addresses, records, context)
            if why_left:
                left.append(why_left)
            if name in leading and not why_left:
                remembered[name] = addresses
            else:
                _note(name, addresses, context)
        _tell(left, context)
        if remembered:
            context.report(f"{', '.join(remembered)}: waiting {TTL_SECONDS} s, until nobody is led there any more")
            self._wait(TTL_SECONDS, context.cancellation)
        for name, addresses in remembered.items():
            _note(name, addresses, context)


def _leading_to(nodes: Collection[NodeName], registered: Registered) -> frozenset[str]:
    """The public hosts that have led to these machines until now."""
    leaving = {registered.nodes[node].ip for node in nodes if node in registered.nodes}
    hosts = {record.publish.host_name for record in registered.ingress.values()}
    return frozenset(name for name in hosts if leaving.intersection(registered.names.get(name, ())))


def _set(name: str, addresses: Addresses, records: Records, context: StepContext) -> str:
    """Have a name lead there, or nowhere; returns why that is its owner's business, where it is."""
    store = context.registry.store
    store.check_fence()
    try:
        if addresses:
            records.ensure(name, [ip_address(address) for address in addresses])
            context.report(f"{name} leads to {' and '.join(addresses)}")
        else:
            records.remove(name)
            context.report(f"{name} is out of DNS")
    except NotOurs as error:
        store.put(keys.left_name(name), error.sentence)
        return error.sentence
    store.delete(keys.left_name(name))
    return ""


def _tell(left: Sequence[str], context: StepContext) -> None:
    for sentence in left[:TOLD]:
        context.tell(f"{sentence}; until then it is left as it is")
    if len(left) > TOLD:
        context.tell(f"{len(left) - TOLD} more names are left as they are; `/flstr status` lists them")


def _note(name: str, addresses: Addresses, context: StepContext) -> None:
    store = context.registry.store
    if addresses:
        store.put(keys.dns_name(name), " ".join(addresses))
    else:
        store.delete(keys.dns_name(name))
