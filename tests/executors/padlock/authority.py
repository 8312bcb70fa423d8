"""An authority for tests: a root, an intermediate, and certificates with whatever fault is wanted."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HOST = "shop.example.com"
PEM = serialization.Encoding.PEM
LIFETIME = timedelta(days=90)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Key


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(PEM) for one in certificates)


def key_pem(key: Key) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def issue(
    name: str,
    by: Issued | None = None,
    names: tuple[str, ...] = (),
    left: timedelta = timedelta(days=70),
    is_authority: bool = False,
    key: Key | None = None,
    lifetime: timedelta = LIFETIME,
) -> Issued:
    """A certificate that began its lifetime before its end; without `by` it signs itself."""
    key = key or new_key()
    ends = datetime.now(UTC) + left
    builder = (
        x509.CertificateBuilder()
        .subject_name(common_name(name))
        .issuer_name(by.certificate.subject if by else common_name(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - lifetime)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
    return Issued(builder.sign(by.key if by else key, hashes.SHA256()), key)


def common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """A root that is trusted where `path` is, and an intermediate that issues."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.root = issue(f"{name} root", is_authority=True)
        self.intermediate = issue(f"{name} intermediate", self.root, is_authority=True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(pem_of(self.root.certificate))

    def issue(self, *names: str, left: timedelta = timedelta(days=70), key: Key | None = None) -> Issued:
        """A certificate for hosts."""
        return issue(names[0], self.intermediate, names, left, key=key)
