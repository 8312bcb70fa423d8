"""Resource record sets: which names, types and values a zone takes."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address

import dns.exception
import dns.name
import dns.rdata

from lab.cloud.entities import Record
from lab.cloud.errors import invalid_input

TYPES = (
    "A", "AAAA", "CAA", "CNAME", "DS", "HINFO", "HTTPS", "MX",
    "NS", "PTR", "RP", "SOA", "SRV", "SVCB", "TLSA", "TXT",
)  # fmt: skip
MIN_TTL, MAX_TTL = 60, 2147483647

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"@|(\*|{_LABEL})(\.{_LABEL})*")
_HOST = re.compile(rf"@|\.|(\*\.)?{_LABEL}(\.{_LABEL})*\.?")
_TXT = re.compile(r'"(?:[^"\\]|\\.){0,255}"(?: "(?:[^"\\]|\\.){0,255}")*')
_CAA = re.compile(r'\d{1,3} [a-z0-9]+ "[^"]*"')


def _is_ipv4(text: str) -> bool:
    return _parses(IPv4Address, text)


def _is_ipv6(text: str) -> bool:
    return _parses(IPv6Address, text)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text.lower()) is not None


def _is_mx(text: str) -> bool:
    preference, _, host = text.partition(" ")
    return preference.isdigit() and _is_host(host)


_CHECKS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "A": (_is_ipv4, "an IPv4 address"),
    "AAAA": (_is_ipv6, "an IPv6 address"),
    "CNAME": (_is_host, "a host name"),
    "NS": (_is_host, "a host name"),
    "PTR": (_is_host, "a host name"),
    "MX": (_is_mx, "a preference and a host name"),
    "TXT": (lambda text: _TXT.fullmatch(text) is not None, "quoted strings of at most 255 characters"),
    "CAA": (lambda text: _CAA.fullmatch(text) is not None, "flags, a tag and a quoted value"),
}


def _can_be_served(kind: str, value: str) -> bool:
    try:
        dns.rdata.from_text("IN", kind, value, origin=dns.name.root, relativize=False)
    except dns.exception.DNSException:
        return False
    return True


def check_name(name: str) -> str:
    """Relative to the zone, in lower case; `@` is the zone itself."""
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise invalid_input("name", f"'{name}' is no record name relative to the zone")
    return name


def check_type(kind: str) -> str:
    if kind not in TYPES:
        raise invalid_input("type", f"'{kind}' is not one of {', '.join(TYPES)}")
    return kind


def check_ttl(ttl: int | None) -> int | None:
    if ttl is not None and not MIN_TTL <= ttl <= MAX_TTL:
        raise invalid_input("ttl", f"must be between {MIN_TTL} and {MAX_TTL} seconds")
    return ttl


def check_records(kind: str, records: list[Record]) -> list[Record]:
    """At least one, no value twice, and each of the form its type asks for."""
    if not records:
        raise invalid_input("records", "must hold at least one record")
    values = [record.value for record in records]
    if len(set(values)) != len(values):
        raise invalid_input("records", "hold a value twice")
    if kind in ("CNAME", "SOA") and len(records) > 1:
        raise invalid_input("records", f"a {kind} set holds one record")
    is_valid, form = _CHECKS.get(kind, (bool, "a value"))
    for value in values:
        if not is_valid(value):
            raise invalid_input("records", f"the {kind} value '{value}' is not {form}")
        if not _can_be_served(kind, value):
            raise invalid_input("records", f"the {kind} value '{value}' is not the text of a {kind} record")
    return records
