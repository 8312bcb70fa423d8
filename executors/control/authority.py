"""The cluster's private authority: certifies those who reach its etcd. Pure but for the clock and for chance.

Private keys stay where they are used: a machine makes one and asks by a signing request. Of that nothing is taken but
its public key; who somebody is and where they listen, flstr says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=20 * 365)
# Nothing renews these by itself. Who may no longer come in loses their user or their membership, not the certificate.
LEAF_LIFE = timedelta(days=10 * 365)
# Clocks of machines that were rented a moment ago may be behind.
EARLIER = timedelta(hours=1)
# In the certificates of members alone: members let in nobody else as one of them.
MEMBER_NAME = "member.etcd.flstr"

_DIGITAL_SIGNATURE, _CERTIFIES = (
    x509.KeyUsage(
        digital_signature=not certifies,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )
    for certifies in (False, True)
)


def new_authority(name: str) -> tuple[str, str]:
    """A new authority of this name: its certificate and its private key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _dated(AUTHORITY_LIFE)
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_CERTIFIES, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(certificate), key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@dataclass(frozen=True)
class Signer:
    """An authority with its private key; both PEM."""

    certificate: str
    key: str

    def sign_member(self, csr_pem: str, addresses: Sequence[str]) -> str:
        """The certificate of a member of etcd, as a server and towards the others, at these addresses and host names.

        It has no common name: etcd would take that for a user wherever the certificate is shown.
        """
        names = [_general_name(address) for address in dict.fromkeys((*addresses, MEMBER_NAME))]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "etcd")])
        return self._sign(csr_pem, subject, usages, x509.SubjectAlternativeName(names))

    def sign_client(self, csr_pem: str, user: str) -> str:
        """The certificate of a client; its common name is the user that etcd takes it for."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
        return self._sign(csr_pem, subject, [ExtendedKeyUsageOID.CLIENT_AUTH])

    def founding(self) -> str:
        """Sixteen digits that name this authority, and so the etcd that was founded with it."""
        return hashlib.sha256(self._certificate().fingerprint(hashes.SHA256())).hexdigest()[:16]

    def _sign(
        self,
        csr_pem: str,
        subject: x509.Name,
        usages: Sequence[x509.ObjectIdentifier],
        names: x509.SubjectAlternativeName | None = None,
    ) -> str:
        """Raises ValueError or TypeError where the request is none of an ECDSA key, signed by it."""
        request = x509.load_pem_x509_csr(csr_pem.encode())
        if not request.is_signature_valid:
            raise ValueError("the signing request is not signed by its own key")
        public = request.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise TypeError("the signing request has a key of another kind than ECDSA")
        issuer = self._certificate()
        key = serialization.load_pem_private_key(self.key.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is of another kind than ECDSA")
        builder = (
            _dated(LEAF_LIFE)
            .subject_name(subject)
            .issuer_name(issuer.subject)
            .public_key(public)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_DIGITAL_SIGNATURE, critical=True)
            .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return _pem(builder.sign(key, hashes.SHA256()))

    def _certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.encode())


def _dated(life: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + life)
    )


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
