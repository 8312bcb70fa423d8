"""When a certificate is due: when its authority says so (RFC 9773), else at two thirds of its lifetime. Pure."""

import hashlib
from datetime import UTC, datetime, timedelta

from model.certificates import CertificateRecord, IssuedCertificate, RenewalWindow

# Without a word of the authority: at the latest when two thirds of the lifetime are over, at the earliest when three
# fifths are, so that what was issued together is not renewed together.
EARLIEST, LATEST = 3 / 5, 2 / 3
NEVER_ASKED = datetime.min.replace(tzinfo=UTC)
# Let's Encrypt counts 5 refused proofs of a name in an hour, and an order may have several names.
AFTER_FAILURE = timedelta(hours=1)


def renewal_due(certificate: IssuedCertificate, ari: RenewalWindow | None, name: str) -> datetime:
    """When to renew: always the same for a name, and spread out over names.

    A window that lies behind the end of the certificate would leave the host without one: it counts as none.
    """
    begins, ends = certificate.not_before, certificate.not_after
    if ari is not None and ari.start < ends:
        return min(ari.start + _share(name) * (ari.end - ari.start), ends)
    return begins + (EARLIEST + _share(name) * (LATEST - EARLIEST)) * (ends - begins)


def attempt_due(record: CertificateRecord) -> datetime:
    """When to ask for a new certificate: at once where there is none, but not again right after a failure."""
    due = NEVER_ASKED if record.issued is None else renewal_due(record.issued, record.issued.window, record.name)
    # Of one that nobody was asked for, the limits say anew whether it may be had.
    if record.failure is None or record.failure.over_budget:
        return due
    return max(due, record.failure.retry_at or record.failure.at + AFTER_FAILURE)


def named_by_ari(certificate: IssuedCertificate, now: datetime) -> bool:
    """Whether the authority itself wants a certificate replaced by now; such an order counts for none of its limits."""
    window = certificate.window
    return window is not None and window.start < certificate.not_after and window.start <= now


def ask_due(certificate: IssuedCertificate, now: datetime) -> bool:
    """Whether it is time to ask the authority for the window; of one that has ended it is not asked any more."""
    if certificate.not_after <= now:
        return False
    return certificate.window is None or certificate.window.ask_again <= now


def _share(name: str) -> float:
    """A number from 0 to 1 that only the name decides."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
