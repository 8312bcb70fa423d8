"""What is wrong with a certificate and with the chain that was sent with it."""

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from executors.padlock.chain import WEAK_SIGNATURES, Chain, dns_names, is_root, name_of, order_of
from executors.padlock.findings import Finding
from executors.padlock.seen import Distrust, TlsSeen
from gitops.domains import stands_for

RSA_BITS = 2048
CURVE_BITS = 256
SHOWN_NAMES = 5
RENEW = "renew it"
WHOLE_CHAIN = "let nginx send the whole chain (fullchain.pem)"
AS_ISSUED = (
    "let nginx send fullchain.pem as it was issued: the host's certificate, then each one's issuer, and no other"
)
KNOWN_AUTHORITY = "get a certificate from an authority that browsers know"

# X509_V_ERR numbers of OpenSSL.
NOT_YET_VALID, EXPIRED = 9, 10
SELF_SIGNED, UNKNOWN_ROOT = 18, 19
NO_ISSUER = frozenset({2, 20, 21, 27})
_OTHER = {
    7: "the signature on {} is wrong",
    24: "{} is no authority, and issued another certificate",
    25: "{} is deeper in the chain than its authority allows",
    26: "{} is not meant for a server",
    79: "{} is no authority, and issued another certificate",
}


def certificate_findings(host: str, tls: TlsSeen, now: datetime) -> Iterable[Finding]:
    """Those of one handshake. A self-signed certificate is told as that alone where it is one by its signature."""
    if not tls.chain:
        return
    leaf = tls.chain[0]
    yield from _of_dates(leaf, now)
    yield from _of_name(host, leaf)
    yield from _of_trust(tls.distrust, tls.chain)
    yield from _of_order(tls.chain)
    for one in order_of(tls.chain).path:
        if one is leaf or not is_root(one):
            yield from _of_strength(one)


def _of_dates(leaf: x509.Certificate, now: datetime) -> Iterable[Finding]:
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if ends <= now:
        yield Finding("expired", f"the certificate ended on {ends:%Y-%m-%d}", RENEW)
    elif begins > now:
        text = f"the certificate begins on {begins:%Y-%m-%d} only"
        yield Finding("not yet valid", text, "set the clock of whoever issued it")
    # Renewal is due at two thirds of the lifetime, whatever the lifetime is; a quarter left is late.
    elif ends - now < (ends - begins) / 4:
        left = ends - now
        in_time = f"{left.days} days" if left.days else f"{left.seconds // 3600} hours"
        text = f"the certificate ends in {in_time} and was not renewed in time"
        yield Finding("near expiry", text, "see why its renewal fails")


def _of_name(host: str, leaf: x509.Certificate) -> Iterable[Finding]:
    names = dns_names(leaf)
    if any(stands_for(name, host) for name in names):
        return
    shown = ", ".join(names[:SHOWN_NAMES]) or "no name at all"
    yield Finding("wrong name", f"the certificate is for {shown}", f"get one for {host}")


def _of_trust(distrust: Iterable[Distrust], chain: Chain) -> Iterable[Finding]:
    """What OpenSSL says first counts, since the rest often follows from it. The first certificate's dates are told
    where they are read."""
    first = next((one for one in distrust if one.depth > 0 or one.code not in {EXPIRED, NOT_YET_VALID}), None)
    if first is None:
        return
    if first.code == SELF_SIGNED:
        yield Finding("self-signed", "the certificate is self-signed", KNOWN_AUTHORITY)
    elif first.code == UNKNOWN_ROOT:
        text = f"the certificate comes from {first.subject}, which is no authority that browsers know"
        yield Finding("untrusted", text, KNOWN_AUTHORITY)
    elif first.code in NO_ISSUER:
        last = order_of(chain).path[-1]
        issuer = last.issuer.rfc4514_string()
        text = f"the chain is not complete: {name_of(last)} is sent without the certificate of its issuer ({issuer})"
        yield Finding("incomplete chain", text, f"{WHOLE_CHAIN}; if it does, {KNOWN_AUTHORITY}")
    elif first.code in {EXPIRED, NOT_YET_VALID}:
        state = "has ended" if first.code == EXPIRED else "has not begun"
        text = f"the chain goes through {first.subject}, whose certificate {state}"
        yield Finding("untrusted", text, "send the chain that the authority issues today")
    else:
        text = _OTHER.get(first.code, f"OpenSSL's error {first.code} at {{}}").format(first.subject)
        yield Finding("untrusted", f"the certificate is not trusted: {text}", KNOWN_AUTHORITY)


def _of_order(chain: Chain) -> Iterable[Finding]:
    order = order_of(chain)
    if not order.in_order:
        sent = ", ".join(name_of(one) for one in chain)
        yield Finding("wrong order", f"the chain is sent in the wrong order ({sent})", AS_ISSUED)
    if order.foreign:
        names = ", ".join(name_of(one) for one in order.foreign)
        text = f"the chain is sent with certificates that do not belong to it ({names})"
        yield Finding("foreign certificate", text, AS_ISSUED)


def _of_strength(certificate: x509.Certificate) -> Iterable[Finding]:
    key = _weak_key(certificate)
    if key:
        text = f"the key of {name_of(certificate)} is weak ({key})"
        yield Finding("weak key", text, f"get a certificate for a key of RSA {RSA_BITS} or on the curve P-256 at least")
    weak = WEAK_SIGNATURES.get(certificate.signature_algorithm_oid)
    if weak:
        yield Finding("weak signature", f"{name_of(certificate)} is signed with {weak}", KNOWN_AUTHORITY)


def _weak_key(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "of a kind that cannot be read"
    match key:
        case rsa.RSAPublicKey() if key.key_size < RSA_BITS:
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey() if key.key_size < CURVE_BITS:
            return key.curve.name
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}"
        case _:
            return ""
