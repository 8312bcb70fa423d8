"""The order of certificates: which of those that were sent belong together, and whether they stand as they should."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import SignatureAlgorithmOID

Chain = Sequence[x509.Certificate]

WEAK_SIGNATURES = {
    SignatureAlgorithmOID.RSA_WITH_MD5: "MD5",
    SignatureAlgorithmOID.RSA_WITH_SHA1: "SHA-1",
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "SHA-1",
    SignatureAlgorithmOID.DSA_WITH_SHA1: "SHA-1",
}


@dataclass(frozen=True)
class Order:
    """A chain taken apart: from the first certificate upwards, what does not belong, and whether the order is right."""

    path: tuple[x509.Certificate, ...]
    foreign: tuple[x509.Certificate, ...]
    in_order: bool


def order_of(chain: Chain) -> Order:
    """Begins with the first certificate, since TLS proves the key of that one only."""
    path, rest = list(chain[:1]), list(chain[1:])
    while path and not is_root(path[-1]):
        issuer = next((one for one in rest if issued(path[-1], by=one)), None)
        if issuer is None:
            break
        path.append(issuer)
        rest.remove(issuer)
    belonging = [one for one in chain if one in path]
    return Order(tuple(path), tuple(rest), belonging[: len(path)] == path)


def is_root(certificate: x509.Certificate) -> bool:
    """Whether it names itself as its issuer."""
    return certificate.issuer == certificate.subject


def issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether `by` signed a certificate."""
    if certificate.signature_algorithm_oid in WEAK_SIGNATURES:
        # The library verifies none of these, and that they are weak is a finding of its own: the name has to do.
        return certificate.issuer == by.subject
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def name_of(certificate: x509.Certificate) -> str:
    """What people call it: the common name, or the first name it is for."""
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if common:
        return str(common[0].value)
    names = dns_names(certificate)
    return names[0] if names else certificate.subject.rfc4514_string() or "a certificate without a name"


def dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The host names a certificate is for. The common name counts for nothing, RFC 9525 section 2."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(names.value.get_values_for_type(x509.DNSName))
