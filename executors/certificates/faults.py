"""Whether a new certificate may take the place of the old one. Pure."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification

# Authorities that browsers know may issue for 200 days at most since March 2026, and for less each year.
LONGEST = timedelta(days=200)
SHORTEST = timedelta(days=1)


def faults(
    chain_pem: str,
    key_pem: bytes,
    names: Collection[str],
    roots: Sequence[x509.Certificate],
    now: datetime,
    longest: timedelta = LONGEST,
) -> tuple[str, ...]:
    """What is wrong with a certificate, its chain as it would be sent, and its key; a phrase for each fault."""
    try:
        chain = x509.load_pem_x509_certificates(chain_pem.encode())
        key = serialization.load_pem_private_key(key_pem, password=None)
    except ValueError:
        return ("it cannot be read",)
    leaf = chain[0]
    found = [*_of_names(leaf, names), *_of_times(chain, now, longest)]
    if _public(leaf.public_key()) != _public(key.public_key()):
        found.append("its key is not the one that was made for it")
    of_chain = tuple(_of_chain(chain, roots))
    found += of_chain or _of_path(chain, roots, now, has_faults=bool(found))
    return tuple(found)


def dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The host names that a certificate is for."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(extension.value.get_values_for_type(x509.DNSName))


def _of_names(leaf: x509.Certificate, names: Collection[str]) -> Iterable[str]:
    there = set(dns_names(leaf))
    if missing := sorted(set(names) - there):
        yield f"it is not for {', '.join(missing)}"
    if foreign := sorted(there - set(names)):
        yield f"it is for {', '.join(foreign)} as well, which nobody asked for"


def _of_times(chain: Sequence[x509.Certificate], now: datetime, longest: timedelta) -> Iterable[str]:
    leaf, *issuers = chain
    if leaf.not_valid_before_utc > now:
        yield f"it begins on {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only"
    if leaf.not_valid_after_utc <= now:
        yield f"it ended on {leaf.not_valid_after_utc:%Y-%m-%d}"
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    if not SHORTEST <= lifetime <= longest:
        yield f"its lifetime of {lifetime / timedelta(days=1):.0f} days is not from 1 to {longest.days} days"
    for issuer in issuers:
        if not issuer.not_valid_before_utc <= now < issuer.not_valid_after_utc:
            yield f"{_name(issuer)} in its chain is not valid now"


def _of_chain(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> Iterable[str]:
    """Each certificate is issued by the next, and one of them by a root, unless it is one."""
    for certificate, following in pairwise(chain):
        if not _issued(following, certificate):
            others = [other for other in chain if other != certificate]
            if any(_issued(other, certificate) or _issued(certificate, other) for other in others):
                yield "its chain is in the wrong order"
            else:
                yield f"its chain lacks the issuer of {_name(certificate)}"
            return
    if not any(one in roots or any(_issued(root, one) for root in roots) for one in chain):
        yield f"nothing in its chain leads from {_name(chain[-1])} to a trusted root"


def _of_path(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: datetime, has_faults: bool
) -> tuple[str, ...]:
    """What else browsers look at: constraints, key usages, algorithms. Of a name with a star, one that it covers."""
    if has_faults:
        return ()
    host = dns_names(chain[0])[0].replace("*", "any")
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(list(roots)))
        .time(now)
        .build_server_verifier(x509.DNSName(host))
    )
    try:
        verifier.verify(chain[0], list(chain[1:]))
    except verification.VerificationError as error:
        return (f"browsers would not take it ({error})",)
    return ()


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _name(certificate: x509.Certificate) -> str:
    """Of somebody else's making, so only what can be printed."""
    text = certificate.subject.rfc4514_string() or f"serial {certificate.serial_number:x}"
    return "".join(letter for letter in text if letter.isprintable())[:100]


def _public(key: object) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(encoding, form))  # type: ignore[attr-defined]
