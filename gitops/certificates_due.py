"""For which hosts a certificate should be got now, whatever the limits say. Pure."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from gitops.bindings import answering_nodes
from gitops.names import wanted_names
from gitops.renewal import attempt_due
from gitops.routed import serves_publicly
from model.certificates import CertificateRecord, IssuedCertificate
from model.cluster import Cluster
from model.locks import app_lock
from model.names import CertificateHost, Encrypted, NodeName
from model.registered import IngressRecord, Registered

FIRST = "it has none yet"
RENEWAL = "its renewal is due"
OTHER_AUTHORITY = "the one it has is of another authority"
LOST_KEY = "the key of the one it has cannot be opened any more"


def secured_hosts(registered: Registered) -> dict[CertificateHost, tuple[IngressRecord, ...]]:
    """The public hosts that are served by https, each with its addresses."""
    found: dict[CertificateHost, tuple[IngressRecord, ...]] = {}
    for _, record in sorted(registered.ingress.items()):
        if record.publish.ssl:
            found[record.publish.host_name] = (*found.get(record.publish.host_name, ()), record)
    return found


def record_of(host: CertificateHost, registered: Registered) -> CertificateRecord:
    """What is known of a host's certificate."""
    return registered.certificates.get(host) or CertificateRecord(name=host)


def time_has_come(
    registered: Registered, directory: str, now: datetime, can_open: Callable[[Encrypted], bool] = lambda _: True
) -> dict[CertificateHost, str]:
    """The hosts that want a certificate by now and have no note of it yet, with why; most pressing first."""
    found = {}
    for host in secured_hosts(registered).keys() - registered.due.keys():
        record = record_of(host, registered)
        why_at_once = _useless(record.issued, directory, can_open)
        if attempt_due(record.model_copy(update={"issued": None}) if why_at_once else record) <= now:
            found[host] = why_at_once or RENEWAL
    return {host: found[host] for host in sorted(found, key=lambda host: _pressing(record_of(host, registered)))}


def _useless(issued: IssuedCertificate | None, directory: str, can_open: Callable[[Encrypted], bool]) -> str:
    """Why a certificate is to be got whatever the age of the one that is there, if any."""
    if issued is None:
        return FIRST
    if issued.directory != directory:
        return OTHER_AUTHORITY
    # It serves on where it is, and no ingress that comes, or has lost it, can be given it.
    return "" if can_open(issued.sealed_key) else LOST_KEY


def ready(
    hosts: Collection[CertificateHost], cluster: Cluster, registered: Registered, busy: Collection[str]
) -> frozenset[CertificateHost]:
    """Those that can be proved by now. A first certificate waits until its host is routed, its name leads there, and
    no app of it is being changed, which may still go back; whoever has one waits for nothing.

    `busy` are the locks of what is under way.
    """
    names = wanted_names(cluster, registered)
    secured = secured_hosts(registered)

    def is_ready(host: CertificateHost) -> bool:
        if record_of(host, registered).issued is not None:
            return True
        if host in names and set(registered.names.get(host, ())) != set(names[host]):
            return False
        apps = {location.name for record in secured[host] for location in record.location}
        return not any(app_lock(app) in busy for app in apps) and _is_routed(host, registered)

    return frozenset(host for host in hosts if is_ready(host))


def ingresses_of(host: CertificateHost, registered: Registered) -> tuple[str, ...]:
    """The ingresses that serve a host and answer; one that was never routed has nothing to answer with yet."""
    found = tuple(dict.fromkeys(_ingresses(host, registered)))
    return tuple(node for node in found if node in registered.routed) or found


def _ingresses(host: CertificateHost, registered: Registered) -> Iterator[NodeName]:
    for record in secured_hosts(registered).get(host, ()):
        yield from answering_nodes(record, registered)


def _is_routed(host: CertificateHost, registered: Registered) -> bool:
    nodes = ingresses_of(host, registered)
    return bool(nodes) and all(serves_publicly(node, registered) for node in nodes)


def _pressing(record: CertificateRecord) -> tuple[bool, float, str]:
    """What may end comes before what has not begun."""
    ends = 0.0 if record.issued is None else record.issued.not_after.timestamp()
    return record.issued is None, ends, record.name
