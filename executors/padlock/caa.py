"""CAA: whether DNS lets the authority issue for a host, RFC 8659."""

from collections.abc import Callable, Iterator

from executors.padlock.findings import Finding
from executors.padlock.seen import CaaRecord, CaaSeen

# The CAA records at exactly one name, none where there is none; raises `CaaUnknown`.
CaaLookup = Callable[[str], tuple[CaaRecord, ...]]

LETS_ENCRYPT = "letsencrypt.org"
_KNOWN = frozenset({"issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"})


class CaaUnknown(Exception):
    """The records could not be looked up; the message says why."""


def see_caa(host: str, lookup: CaaLookup) -> CaaSeen:
    """The records of the host, or else of the nearest name above that has any."""
    labels = host.removeprefix("*.").rstrip(".").split(".")
    for first in range(len(labels)):
        name = ".".join(labels[first:])
        try:
            records = lookup(name)
        except CaaUnknown as unknown:
            return CaaSeen(name, error=str(unknown))
        if records:
            return CaaSeen(name, records)
    return CaaSeen()


def caa_findings(host: str, seen: CaaSeen, authority: str) -> Iterator[Finding]:
    """What keeps an authority, such as letsencrypt.org, from issuing for the host."""
    if seen.error:
        text = f"CAA of {seen.at} could not be looked up ({seen.error}), and no authority issues then"
        yield Finding("CAA unknown", text, f"see whether the name servers of {seen.at} answer")
        return
    mend = f'add the record: {seen.at} CAA 0 issue "{authority}"'
    strange = [one.tag for one in seen.records if one.critical and one.tag.lower() not in _KNOWN]
    if strange:
        text = f"CAA of {seen.at} has a critical record that no authority knows ({strange[0]})"
        yield Finding("CAA forbids", text, "take that record away")
        return
    deciding = _deciding(host, seen.records)
    allowed = [_issuer(one) for one in deciding]
    if deciding and authority.lower() not in allowed:
        others = ", ".join(sorted({name for name in allowed if name})) or "nobody"
        yield Finding("CAA forbids", f"CAA of {seen.at} lets {others} issue, and not {authority}", mend)


def _deciding(host: str, records: tuple[CaaRecord, ...]) -> list[CaaRecord]:
    """Those that say who may issue; for a wildcard those about wildcards, where there are any."""
    wild = [one for one in records if one.tag.lower() == "issuewild"] if host.startswith("*.") else []
    return wild or [one for one in records if one.tag.lower() == "issue"]


def _issuer(record: CaaRecord) -> str:
    """The authority a record names; what follows a semicolon are parameters."""
    return record.value.partition(";")[0].strip().lower()
