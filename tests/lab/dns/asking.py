"""Questions to the lab's name server, by dnspython."""

from dataclasses import dataclass

import dns.message
import dns.query
from dns.message import Message
from hcloud.zones import ZoneRecord

from tests.lab.cloud.running_cloud import AnyClient

LOOPBACK = "127.0.0.1"
TIMEOUT = 10


def records(zone: AnyClient, name: str, kind: str, *values: str, ttl: int | None = None) -> AnyClient:
    """A set of the zone, made by hcloud-python."""
    return zone.create_rrset(name=name, type=kind, ttl=ttl, records=[ZoneRecord(value) for value in values]).rrset


@dataclass(frozen=True)
class Resolver:
    port: int
    server: str = LOOPBACK

    def ask(self, name: str, kind: str = "A", *, payload: int | None = None, by_tcp: bool = False) -> Message:
        """One question; with EDNS where a payload is named. Raises where the answer is not to this question."""
        query = dns.message.make_query(name, kind, use_edns=payload is not None, payload=payload)
        ask = dns.query.tcp if by_tcp else dns.query.udp
        return ask(query, self.server, timeout=TIMEOUT, port=self.port)

    def values(self, name: str, kind: str = "A") -> list[str]:
        """What is at a name, sorted."""
        return sorted(rdata.to_text() for rrset in self.ask(name, kind).answer for rdata in rrset)
