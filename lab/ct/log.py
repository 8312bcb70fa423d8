"""The log: every certificate that was handed in, in the order in which it came."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from lab.errors import LabError

# Of the order of today's ids at both services.
FIRST_ID = 17_000_000_001


@dataclass(frozen=True)
class Entry:
    """One certificate or precertificate in the log; `logged_at` has no zone and is UTC, as crt.sh keeps it."""

    id: int
    logged_at: datetime
    certificate: x509.Certificate

    @property
    def is_precertificate(self) -> bool:
        return any(isinstance(extension.value, x509.PrecertPoison) for extension in self.certificate.extensions)

    @property
    def issuance(self) -> tuple[bytes, int]:
        """What a precertificate and its certificate have in common."""
        return self.certificate.issuer.public_bytes(), self.certificate.serial_number

    @property
    def common_name(self) -> str | None:
        found = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else None

    @property
    def dns_names(self) -> list[str]:
        try:
            names = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return []
        return sorted(set(names.value.get_values_for_type(x509.DNSName)))

    def expired(self, now: datetime) -> bool:
        return self.certificate.not_valid_after_utc < now


class Log:
    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._ids = itertools.count(FIRST_ID)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def log(self, certificate: x509.Certificate | bytes | str) -> Entry:
        """Keep a certificate, given as an object or as PEM. One that is there already is not kept again.

        Raises LabError for what is no certificate.
        """
        certificate = certificate if isinstance(certificate, x509.Certificate) else _read(certificate)
        for entry in self._entries:
            if entry.certificate == certificate:
                return entry
        entry = Entry(next(self._ids), datetime.now(UTC).replace(tzinfo=None), certificate)
        self._entries.append(entry)
        return entry


def _read(pem: bytes | str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode() if isinstance(pem, str) else pem)
    except ValueError as error:
        raise LabError(f"The log takes certificates as PEM, and this is none: {error}") from error
