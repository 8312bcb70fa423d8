"""A zone of the cloud as DNS looks at it: a tree of names, and what stands at each."""

from collections.abc import Iterator

import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.name import Name
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.SOA import SOA
from dns.rrset import RRset

from lab.cloud.entities import RrSet, Zone

WILDCARD = dns.name.from_text("*", None)


class ZoneView:
    """The zone as it is at this moment. A value that cannot be a record raises `dns.exception.DNSException`."""

    def __init__(self, zone: Zone) -> None:
        self.origin = dns.name.from_text(zone.name)
        self._ttl = zone.ttl
        self._sets: dict[Name, dict[RdataType, RrSet]] = {}
        for rrset in zone.rrsets.values():
            self._sets.setdefault(self._absolute(rrset.name), {})[RdataType.make(rrset.type)] = rrset
        # A name above one that has records exists as well, with nothing at it.
        self._names = {above for name in self._sets for above in self._path(name)}

    def exists(self, name: Name) -> bool:
        """Whether there is such a name, be it only on the way to another one."""
        return name in self._names

    def types_at(self, name: Name) -> frozenset[RdataType]:
        return frozenset(self._sets.get(name, {}))

    def wildcard_for(self, name: Name) -> Name | None:
        """The wildcard that speaks for a name that does not exist: the one just below its closest ancestor."""
        closest = [above for above in self._path(name) if above in self._names][-1]
        wildcard = WILDCARD.concatenate(closest)
        return wildcard if wildcard in self._sets else None

    def delegation_of(self, name: Name) -> Name | None:
        """The name at or above this one from which on other servers answer."""
        return next((cut for cut in self._path(name)[1:] if RdataType.NS in self._sets.get(cut, {})), None)

    def rrset(self, name: Name, kind: RdataType, owner: Name | None = None) -> RRset | None:
        """The set at a name, under the name that was asked for where a wildcard speaks."""
        found = self._sets.get(name, {}).get(kind)
        if found is None:
            return None
        ttl = self._ttl if found.ttl is None else found.ttl
        values = [record.value for record in found.records]
        return dns.rrset.from_text_list(owner or name, ttl, "IN", kind, values, origin=self.origin, relativize=False)

    def soa(self) -> RRset:
        """The SOA as it goes with a negative answer, which it says how long to remember (RFC 2308)."""
        soa = self.rrset(self.origin, RdataType.SOA)
        assert soa is not None  # noqa: S101 - a zone is made with it, and the API never takes it away
        for rdata in soa:
            assert isinstance(rdata, SOA)  # noqa: S101 - as its type says
            soa.update_ttl(min(soa.ttl, rdata.minimum))
        return soa

    def glue(self, servers: RRset) -> Iterator[RRset]:
        """Addresses of name servers that lie in this zone."""
        for rdata in servers:
            target: Name = getattr(rdata, "target")  # noqa: B009 - what every NS record has
            for kind in (RdataType.A, RdataType.AAAA):
                if (addresses := self.rrset(target, kind)) is not None:
                    yield addresses

    def _absolute(self, relative: str) -> Name:
        return self.origin if relative == "@" else dns.name.from_text(relative, self.origin)

    def _path(self, name: Name) -> list[Name]:
        """The names from the zone's own down to this one."""
        return [name.split(labels)[1] for labels in range(len(self.origin), len(name) + 1)]
