"""An authority for etcd's members and clients in tests: a client is the user that its common name says."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gitops.etcd_client import EtcdTls

PEM = serialization.Encoding.PEM
HOUR = timedelta(hours=1)


class EtcdAuthority:
    """Makes certificates in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd authority")])
        self._ca = folder / "ca.pem"
        basic = x509.BasicConstraints(ca=True, path_length=None)
        made = _begun(self._name, self._name, self._key).add_extension(basic, critical=True)
        self._ca.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def member(self, name: str) -> EtcdTls:
        """For a server on loopback; without a common name, or its gateway would be taken for a user."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName(name)])
        # Who has no subject has to be named critically.
        return self._write(name, key, _begun(x509.Name([]), self._name, key).add_extension(names, critical=True))

    def client(self, user: str) -> EtcdTls:
        """For an etcd user."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
        return self._write(f"client-{user}", key, _begun(subject, self._name, key))

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, begun: x509.CertificateBuilder) -> EtcdTls:
        files = EtcdTls(self._ca, self._folder / f"{name}.pem", self._folder / f"{name}-key.pem")
        files.certificate.write_bytes(begun.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        form, sealing = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        files.key.write_bytes(key.private_bytes(PEM, form, sealing))
        return files


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - HOUR)
        .not_valid_after(now + 24 * HOUR)
    )
