"""CAA records as DNS has them."""

from collections.abc import Sequence

import dns.exception
import dns.resolver

from executors.padlock.caa import CaaLookup, CaaUnknown
from executors.padlock.seen import CaaRecord

DNS_SECONDS = 5.0
CRITICAL = 128


def caa_lookup(servers: Sequence[str] = (), port: int = 53) -> CaaLookup:
    """Asks the machine's resolvers, or those that are given."""

    def lookup(name: str) -> tuple[CaaRecord, ...]:
        try:
            found = _resolver(servers, port).resolve(f"{name}.", "CAA", search=False, lifetime=DNS_SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.Timeout:
            raise CaaUnknown(f"silent for {DNS_SECONDS:g} s") from None
        except dns.resolver.NoNameservers:
            raise CaaUnknown("the name servers fail") from None
        except (dns.exception.DNSException, OSError) as error:
            raise CaaUnknown(str(error) or type(error).__name__) from None
        return tuple(CaaRecord(bool(one.flags & CRITICAL), one.tag.decode(), _text(one.value)) for one in found)

    return lookup


def _resolver(servers: Sequence[str], port: int) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = list(servers)
        resolver.port = port
    return resolver


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")
