"""Certificates as etcd holds them, with keys that the tests' cluster can open."""

import functools
from dataclasses import dataclass
from datetime import UTC, datetime

from executors.certificates.ingress_files import Pair
from model.certificates import CertificateRecord, IssuedCertificate
from tests.executors.certificates.chains import DAY, Holder, authority, chain, host
from tests.identity import IDENTITIES, encrypted


@dataclass(frozen=True)
class Authority:
    """A root, and an intermediate that issues."""

    root: Holder
    intermediate: Holder


@functools.cache
def issuing_authority() -> Authority:
    """The same one for all tests of a process."""
    begins = datetime.now(UTC) - 900 * DAY
    root = authority("root of the tests", begins=begins)
    return Authority(root, authority("intermediate of the tests", root, begins=begins))


def pair_for(*names: str) -> Pair:
    """A new certificate of these hosts."""
    above = issuing_authority().intermediate
    holder = host(above, *names, begins=datetime.now(UTC) - DAY)
    return Pair(names[0], chain(holder, above), holder.key_pem.decode())


def record_of(pair: Pair, serial: str, sealed_key: str | None = None) -> CertificateRecord:
    """A certificate as it is kept."""
    now = datetime.now(UTC)
    issued = IssuedCertificate(
        names=(pair.name,),
        chain=pair.chain,
        sealed_key=sealed_key or encrypted(pair.key.encode(), IDENTITIES),
        serial=serial,
        not_before=now - DAY,
        not_after=now + 89 * DAY,
        issued_at=now - DAY,
        directory="https://acme.example.com/directory",
    )
    return CertificateRecord(name=pair.name, issued=issued)
