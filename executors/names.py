"""DNS names are brought to where they should lead, one after the other, each noted as it is done."""

import threading
from collections.abc import Callable, Collection, Sequence
from ipaddress import ip_address

from executors.cloud import CloudSettings
from executors.records.not_ours import NotOurs
from executors.records.records import TTL_SECONDS, Records
from gitops.bindings import left_by, silent
from gitops.executor import Cancellation, StepContext
from gitops.names import wanted_names
from model import keys
from model.cluster import Cluster
from model.errors import Cancelled, StepFailed
from model.names import NodeName
from model.registered import Registered
from model.steps import PointNames

# A domain without a zone concerns every machine.
TOLD = 3
# By so many failures it is the cloud's fault, and no single name's.
GIVEN_UP = 3

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
        """Make the names that should be, take away those that should not; where machines leave, those that lead there.

        Where an ingress leaves, or a host leaves it, the names that led there are noted once nobody remembers that any
        more: whoever does this a second time waits again. A name that cannot be set holds no other back.
        """
        cluster, registered = context.registry.cluster(), context.registry.read()
        changes = _changes(cluster, registered, step.without)
        leading = _hosts_of(registered) & changes.keys() if step.without else _leaving(registered)
        records, remembered, left = Records(self._settings, cluster.cluster), dict[str, Addresses](), list[str]()
        failed = list[StepFailed]()
        for name, addresses in changes.items():
            try:
                why_left = _set(name, addresses, records, context)
            except StepFailed as error:
                failed.append(error)
                if len(failed) == GIVEN_UP:
                    break
                continue
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
        if failed:
            raise StepFailed("; ".join(error.sentence for error in failed), failed[0].output)


def _changes(cluster: Cluster, registered: Registered, without: Collection[NodeName]) -> dict[str, Addresses]:
    """The names that lead elsewhere than they should, in order, each with where it should; of machines that leave,
    those that lead there."""
    wanted = wanted_names(cluster, registered.without_nodes(without))
    leaving = {registered.nodes[node].ip for node in without if node in registered.nodes}
    known = registered.names
    return {
        name: wanted.get(name, ())
        for name in sorted(known.keys() | wanted.keys())
        if known.get(name, ()) != wanted.get(name, ())
        and (not without or cluster.dissolved or not leaving.isdisjoint(known.get(name, ())))
    }


def _hosts_of(registered: Registered) -> frozenset[str]:
    return frozenset(record.publish.host_name for record in registered.ingress.values())


def _leaving(registered: Registered) -> frozenset[str]:
    """The public hosts whose names lead to an ingress that answers and is to serve them no more."""
    hosts = _hosts_of(registered)
    return frozenset(host for host in hosts if any(not silent(node, registered) for node in left_by(host, registered)))


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
