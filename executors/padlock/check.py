"""`padlock [host]`: every ingress asked by its own address and floating IPs, and what was seen told in findings."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from executors.padlock.caa import LETS_ENCRYPT, CaaLookup, see_caa
from executors.padlock.dns_lookup import caa_lookup
from executors.padlock.hosts import asked_as, published, seen_from
from executors.padlock.judgement import findings
from executors.padlock.look import Target, closed_port, see_port
from executors.padlock.report import report
from executors.padlock.seen import HostSeen, PortSeen
from executors.padlock.tls import why_closed
from gitops.bindings import ingress_nodes, serving_nodes
from gitops.registry import Registry
from model.errors import Refused
from model.names import NodeName
from model.registered import IngressRecord, Registered

SIDE_BY_SIDE = 16


@dataclass(frozen=True)
class Outside:
    """What padlock takes for granted of the world.

    `authority` is a CA file to trust instead of the system's, such as the lab's; `issuer` is how CAA records name who
    issues for the cluster; `lookup` asks DNS for them.
    """

    authority: Path | None = None
    issuer: str = LETS_ENCRYPT
    lookup: CaaLookup = field(default_factory=caa_lookup)
    http_port: int = 80
    https_port: int = 443


class PadlockCheck:
    """A `HostCheck`."""

    def __init__(self, outside: Outside | None = None) -> None:
        self._outside = outside or Outside()

    def __call__(self, arguments: tuple[str, ...], registry: Registry) -> str:
        """The findings for one host, or without an argument for all, as Slack mrkdwn.

        Raises `Refused` for a host that is not registered.
        """
        registered = registry.read()
        known = sorted({one.publish.host_name for one in registered.ingress.values()})
        hosts = [word.lower().rstrip(".") for word in arguments[:1]] or known
        for host in hosts:
            if host not in known:
                raise Refused(_unknown(host, known))
        return round_over(hosts, registered, self._outside)


def round_over(
    hosts: Sequence[str],
    registered: Registered,
    outside: Outside,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> str:
    """One report of many hosts, each at every ingress, side by side. Raises `Refused` where there is none to ask."""
    if not hosts:
        raise Refused("There is nothing to check: no app has a public address yet.")
    if not ingress_nodes(registered):
        raise Refused(f"No ingress is registered that could serve {hosts[0] if len(hosts) == 1 else 'any host'}.")
    ours = published(registered)
    seen = see_hosts(hosts, registered, outside)
    now = clock()
    return report((one for host in seen for one in findings(host, ours, outside.issuer, now)), seen, now)


def see_hosts(hosts: Sequence[str], registered: Registered, outside: Outside) -> list[HostSeen]:
    """All that can be seen of the hosts. A port at which nobody listens is tried once, not for each host."""
    ours = published(registered)
    targets = {host: list(targets_of(host, registered, outside)) for host in hosts}
    doors = {(one.address, one.port) for some in targets.values() for one in some}
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="padlock") as pool:
        closed = dict(zip(doors, pool.map(lambda door: why_closed(*door), doors), strict=True))

        def see(target: Target) -> PortSeen | None:
            why = closed[target.address, target.port]
            if why:
                return closed_port(target, why)
            return see_port(target, ours, seen_from(target.node, target.address, registered), outside.authority)

        asked = {host: [pool.submit(see, one) for one in some] for host, some in targets.items()}
        ports = {host: tuple(port for one in some if (port := one.result())) for host, some in asked.items()}
        secured = [host for host in hosts if any(one.tls is not None for one in ports[host]) or _has_tls(targets[host])]
        caa = dict(zip(secured, pool.map(lambda host: see_caa(host, outside.lookup), secured), strict=True))
    return [HostSeen(host, ports[host], caa.get(host)) for host in hosts]


def _has_tls(targets: Iterable[Target]) -> bool:
    return any(one.tls and one.expected for one in targets)


def targets_of(host: str, registered: Registered, outside: Outside) -> Iterator[Target]:
    """The ports to look at, at each ingress that serves the host and at each floating IP that it holds: those
    registered; plain http, from where people are sent to https; and https, which may be served before it is
    registered."""
    of_host = [one for one in registered.ingress.values() if one.publish.host_name == host]
    for node in ingress_nodes(registered):
        bindings = {one.publish.port: one for one in of_host if node in serving_nodes(one, registered)}
        if not bindings:
            continue
        own = list(_targets_at(node, registered.nodes[node].ip, bindings, outside))
        yield from own
        for name, floating in sorted(registered.floating_ips.items()):
            if floating.node == node:
                yield from (replace(one, address=str(floating.ip), floating=name) for one in own)


def _targets_at(
    node: NodeName, address: str, bindings: Mapping[int, IngressRecord], outside: Outside
) -> Iterator[Target]:
    any_binding = next(iter(bindings.values()))
    name = asked_as(any_binding.publish.host_name)
    secure = [one for one in bindings.values() if one.publish.ssl]
    for port, one in bindings.items():
        yield Target(name, node, address, port, _path(one), one.publish.ssl, hsts=one.publish.hsts)
    if outside.http_port not in bindings and secure:
        yield Target(name, node, address, outside.http_port, _path(any_binding), tls=False)
    if outside.https_port not in bindings:
        hsts = all(one.publish.hsts for one in secure)
        yield Target(name, node, address, outside.https_port, _path(any_binding), tls=True, expected=False, hsts=hsts)


def _path(binding: IngressRecord) -> str:
    """The shortest location is the one that people type."""
    return min((one.location for one in binding.location), key=len, default="/")


def _unknown(host: str, known: Sequence[str]) -> str:
    there_are = f"There are {', '.join(known)}." if known else "No app has a public address yet."
    return f"No app is published at {host or 'an empty name'}. {there_are}"
