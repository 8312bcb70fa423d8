"""DNS-01: a TXT record in a zone that flstr writes to, seen at the zone's own name servers. Wildcards need it."""

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.resolver

from executors.certificates.proofs import ChallengeKind, Proof
from model.errors import StepFailed

QUERY_SECONDS = 3.0
PAUSE_SECONDS = 1.0
DNS_PORT = 53
SIDE_BY_SIDE = 8

# The address and port of a name server.
NameServer = tuple[str, int]
# The name servers that answer for a name.
FindServers = Callable[[str], Sequence[NameServer]]


class TxtRecords(Protocol):
    """Where records are written. Other values of the same name stay: an order may need two at once."""

    def add_text(self, name: str, text: str) -> bool:
        """Have this value among those of the name; says whether it was not. Raises `StepFailed`."""
        ...

    def remove_text(self, name: str, text: str) -> bool:
        """Take this value away; says whether it was there. Raises `StepFailed`."""
        ...

    def clear_texts(self, label: str, keep: Collection[str]) -> bool:
        """Take away whatever was put at names that begin with a label, but for those of `keep`; says whether anything
        was there. Raises `StepFailed`."""
        ...


def authoritative_servers(
    name: str, resolver: dns.resolver.Resolver | None = None, port: int = DNS_PORT
) -> Sequence[NameServer]:
    """The name servers of the zone that a name is in, as this machine's resolver knows them, unless another one is
    named. Raises `StepFailed`."""
    resolver = resolver or dns.resolver.get_default_resolver()
    try:
        zone = dns.resolver.zone_for_name(name, resolver=resolver)
        targets = [record.target for record in resolver.resolve(zone, "NS")]
        addresses = {address for target in targets for address in resolver.resolve_name(target).addresses()}
        return [(address, port) for address in sorted(addresses)]
    except dns.exception.DNSException as error:
        raise StepFailed(f"{name}: its name servers cannot be found; see that its zone is delegated") from error


def servers_by(nameserver: str, port: int = DNS_PORT) -> FindServers:
    """As a name server says that is to be asked in place of the machine's own; where those that it names cannot be
    found, as in a network of its own, it is asked itself. Without one, as the machine's own says."""
    if not nameserver:
        return authoritative_servers
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [nameserver], port

    def find(name: str) -> Sequence[NameServer]:
        try:
            return authoritative_servers(name, resolver)
        except StepFailed:
            return [(nameserver, port)]

    return find


def txt_at(server: NameServer, name: str) -> frozenset[str]:
    """The TXT records of a name as one server has them. Raises `OSError` or `DNSException`."""
    query = dns.message.make_query(name, dns.rdatatype.TXT)
    answer, _ = dns.query.udp_with_fallback(query, server[0], QUERY_SECONDS, server[1])
    found = (rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.TXT)
    return frozenset(b"".join(record.strings).decode(errors="replace") for rrset in found for record in rrset)


@dataclass(frozen=True)
class Dns01Solver:
    """A `Solver`."""

    records: TxtRecords
    servers: FindServers = authoritative_servers
    pause: Callable[[float], None] = time.sleep

    @property
    def kind(self) -> ChallengeKind:
        """Which challenges it answers."""
        return "dns-01"

    def put(self, proofs: Sequence[Proof]) -> None:
        """Write a record for each proof."""
        for proof in proofs:
            self.records.add_text(proof.record, proof.content)

    def await_seen(self, proofs: Sequence[Proof], within: float) -> None:
        """Ask the name servers until those that answer have the records; the authority asks whichever it likes."""
        deadline = time.monotonic() + within
        for proof in proofs:
            servers = self.servers(proof.record)
            while (missing := _missing(servers, proof)) is not None:
                if time.monotonic() >= deadline:
                    raise StepFailed(f"{proof.host}: {missing}")
                self.pause(PAUSE_SECONDS)

    def take_away(self, proofs: Sequence[Proof]) -> None:
        """Remove the records, each of them also where another one cannot be."""
        failed = []
        for proof in proofs:
            try:
                self.records.remove_text(proof.record, proof.content)
            except StepFailed as error:
                failed.append(error.sentence)
        if failed:
            raise StepFailed("; ".join(failed))


def _missing(servers: Sequence[NameServer], proof: Proof) -> str | None:
    """Why the record is not there yet, or None. A silent server is no reason: this machine may not reach all."""
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="dns-01") as pool:
        seen = dict(zip(servers, pool.map(lambda server: _seen(server, proof.record), servers), strict=True))
    answers = {server: values for server, values in seen.items() if values is not None}
    if not answers:
        return f"no name server of {proof.record} answers ({', '.join(address for address, _ in servers)})"
    lacking = [address for (address, _), values in answers.items() if proof.content not in values]
    return f"the record {proof.record} does not appear at its name server {lacking[0]}" if lacking else None


def _seen(server: NameServer, name: str) -> frozenset[str] | None:
    try:
        return txt_at(server, name)
    except (OSError, dns.exception.DNSException):
        return None
