"""Certificates that stand on ingresses with their keys, as etcd keeps them. Pure but for the sealing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from executors.adopting.adopted import Adopted
from executors.adopting.facts import Facts
from executors.transparency.issuers import certificate_id
from gitops.certificates import KeySafe
from model import keys
from model.certificates import CertificateRecord, IssuedCertificate
from model.names import CertificateHost, NodeName
from model.transparency import AskedFor


@dataclass(frozen=True)
class _Pair:
    leaf: x509.Certificate
    names: tuple[CertificateHost, ...]
    chain: str
    key: bytes = field(repr=False)


def adopted_certificates(facts: Mapping[NodeName, Facts], safe: KeySafe, directory: str) -> Adopted:
    """The certificates of all ingresses; of two for one host the one that is good for longer."""
    found, newest = Adopted(), dict[CertificateHost, _Pair]()
    for node, said in sorted(facts.items()):
        serials = {}
        for name, pem in sorted(said.certificates.items()):
            try:
                pair = _pair(pem)
            except (ValueError, x509.ExtensionNotFound):
                pair = None
            if pair is None or name not in pair.names:
                found.left_out.append(f"the certificate of {name} on {node} is left out: it is another's, or broken")
                continue
            serials[name] = f"{pair.leaf.serial_number:x}"
            if name not in newest or newest[name].leaf.not_valid_after_utc < pair.leaf.not_valid_after_utc:
                newest[name] = pair
        if serials:
            found.puts[keys.certified(node)] = " ".join(f"{name}={serial}" for name, serial in sorted(serials.items()))
    for name, pair in newest.items():
        found.puts |= _records(name, pair, safe, directory)
    return found


def _records(name: CertificateHost, pair: _Pair, safe: KeySafe, directory: str) -> dict[str, str]:
    leaf = pair.leaf
    issued = IssuedCertificate(
        names=pair.names,
        chain=pair.chain,
        sealed_key=safe.seal(pair.key),
        serial=f"{leaf.serial_number:x}",
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        issued_at=leaf.not_valid_before_utc,
        directory=directory,
    )
    # It will be seen in the logs, and is not to be taken for one that nobody asked for.
    asked = AskedFor(
        id=certificate_id(leaf),
        not_after=leaf.not_valid_after_utc,
        names=pair.names,
        at=leaf.not_valid_before_utc,
        directory=directory,
    )
    return {
        keys.certificate(name): CertificateRecord(name=name, issued=issued).to_json(),
        keys.asked_for(asked.id.serial): asked.to_json(),
    }


def _pair(pem: str) -> _Pair:
    """Raises `ValueError` for what is no certificate with its key."""
    chain, mark, key = pem.partition("-----BEGIN PRIVATE KEY-----")
    sealed = (mark + key).encode()
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    public = load_pem_private_key(sealed, password=None).public_key()
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public.public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise ValueError("the key is another's")
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _Pair(leaf, tuple(names.get_values_for_type(x509.DNSName)), chain, sealed)
