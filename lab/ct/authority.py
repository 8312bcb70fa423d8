"""An authority that issues certificates for whatever it is asked: the rogue one, and those of the tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=90)
# Authorities date certificates back, for clients whose clocks are slow.
DATED_BACK = timedelta(hours=1)


class Authority:
    """Keeps one key for itself and one for all it certifies: nobody speaks TLS with these certificates."""

    def __init__(self, organisation: str, common_name: str, country: str = "US") -> None:
        self.name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, country),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certified = ec.generate_private_key(ec.SECP256R1()).public_key()

    def issue(
        self,
        names: Sequence[str],
        begins: datetime | None = None,
        lifetime: timedelta = LIFETIME,
        serial: int | None = None,
        is_precertificate: bool = False,
    ) -> x509.Certificate:
        """A certificate for `names`, the first of which is its common name as well where it fits."""
        begins = begins or datetime.now(UTC) - DATED_BACK
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names[:1] if len(name) <= 64]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self.name)
            .public_key(self._certified)
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + lifetime)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        if is_precertificate:
            builder = builder.add_extension(x509.PrecertPoison(), critical=True)
        return builder.sign(self._key, hashes.SHA256())

    def issue_both(self, names: Sequence[str]) -> tuple[x509.Certificate, x509.Certificate]:
        """The precertificate that is logged before, and the certificate itself: one serial number."""
        begins, serial = datetime.now(UTC) - DATED_BACK, x509.random_serial_number()
        precertificate = self.issue(names, begins, serial=serial, is_precertificate=True)
        return precertificate, self.issue(names, begins, serial=serial)


def rogue() -> Authority:
    """One that nobody of the cluster has anything to do with."""
    return Authority("Rogue & Sons, Ltd", "Rogue Issuing CA 1", country="PW")
