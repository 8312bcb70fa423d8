"""What the zones say to a question (RFC 1034 4.3.2, with wildcards as in RFC 4592). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import dns.name
from dns.name import Name
from dns.rcode import Rcode
from dns.rdatatype import RdataType
from dns.rrset import RRset

from lab.cloud.entities import Zone
from lab.dns.zone_view import ZoneView

LONGEST_CHAIN = 8


@dataclass(frozen=True)
class Found:
    """The sections of an answer."""

    rcode: Rcode
    authoritative: bool = True
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()


REFUSED = Found(Rcode.REFUSED, authoritative=False)
# What is above a zone exists: whoever climbs up from a name, as CAA is looked up, is not to take it for a failure.
NOTHING = Found(Rcode.NOERROR, authoritative=False)


def look_up(name: Name, kind: RdataType, zones: Iterable[Zone]) -> Found:
    """Follows CNAMEs as long as they stay in these zones; a loop ends with what was found until then."""
    origins = {dns.name.from_text(zone.name): zone for zone in zones}
    chain: list[RRset] = []
    while (zone := _zone_of(name, origins)) is not None:
        found = _in_zone(name, kind, ZoneView(zone))
        alias = _alias_to_follow(found, kind)
        chain += found.answer
        if alias is None or len(chain) > LONGEST_CHAIN:
            # Whether the answer has authority is said of the name that was asked for.
            return replace(found, authoritative=found.authoritative or bool(chain), answer=tuple(chain))
        name = alias
    if chain:
        return Found(Rcode.NOERROR, answer=tuple(chain))
    return NOTHING if any(origin.is_subdomain(name) for origin in origins) else REFUSED


def _zone_of(name: Name, origins: Mapping[Name, Zone]) -> Zone | None:
    holding = [origin for origin in origins if name.is_subdomain(origin)]
    return origins[max(holding, key=len)] if holding else None


def _in_zone(name: Name, kind: RdataType, zone: ZoneView) -> Found:
    cut = zone.delegation_of(name)
    # The parent itself answers for the DS records of a delegation.
    if cut is not None and not (kind == RdataType.DS and cut == name):
        return _referral(cut, zone)
    if zone.exists(name):
        return _at_name(name, name, kind, zone)
    wildcard = zone.wildcard_for(name)
    if wildcard is not None:
        return _at_name(wildcard, name, kind, zone)
    return Found(Rcode.NXDOMAIN, authority=(zone.soa(),))


def _referral(cut: Name, zone: ZoneView) -> Found:
    servers = zone.rrset(cut, RdataType.NS)
    assert servers is not None  # noqa: S101 - they make it a delegation
    return Found(Rcode.NOERROR, authoritative=False, authority=(servers,), additional=tuple(zone.glue(servers)))


def _at_name(name: Name, owner: Name, kind: RdataType, zone: ZoneView) -> Found:
    there = zone.types_at(name)
    if kind == RdataType.ANY:
        wanted = sorted(there)
    else:
        wanted = [kind] if kind in there else [RdataType.CNAME] if RdataType.CNAME in there else []
    answer = tuple(rrset for one in wanted if (rrset := zone.rrset(name, one, owner)) is not None)
    return Found(Rcode.NOERROR, answer=answer, authority=() if answer else (zone.soa(),))


def _alias_to_follow(found: Found, kind: RdataType) -> Name | None:
    """Where a CNAME that was not itself asked for points to."""
    if kind in (RdataType.CNAME, RdataType.ANY) or not found.answer or found.answer[0].rdtype != RdataType.CNAME:
        return None
    target: Name = getattr(found.answer[0][0], "target")  # noqa: B009 - what every CNAME record has
    return target
