"""What is known of the certificates that an ingress has. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from executors.certificates.ingress_files import (
    MISSING_STATUS,
    REFUSED_STATUS,
    IngressCertificates,
    missing_certificates,
    refused_certificates,
)
from model.certificates import IssuedCertificate
from model.errors import StepFailed
from model.names import CertificateHost


@dataclass(frozen=True)
class Had:
    """What is known of an ingress's certificates: the serial numbers that are `noted`, and first certificates that its
    nginx refuses, with why."""

    noted: Mapping[CertificateHost, str]
    refused: Mapping[CertificateHost, str]

    def learning(self, answer: str | StepFailed) -> "Had | None":
        """What is known better once a script gave up for it; None where there is nothing new."""
        if isinstance(answer, StepFailed) and answer.status == MISSING_STATUS:
            # The others are there: one whose new key cannot be opened is still served with its old certificate.
            missing = missing_certificates(answer.output) & self.noted.keys()
            there = {name: serial for name, serial in self.noted.items() if name not in missing}
            return Had(there, self.refused) if missing else None
        if isinstance(answer, StepFailed) and answer.status == REFUSED_STATUS:
            return Had(self.noted, {**self.refused, **refused_certificates(answer.output)})
        return None

    def then(
        self,
        certificates: IngressCertificates,
        wanted: Mapping[CertificateHost, IssuedCertificate],
        old: Collection[CertificateHost],
    ) -> dict[CertificateHost, str]:
        """What is to be noted once an ingress took its `certificates`, where those of `old` stayed as they were."""
        return {name: self.noted.get(name, "") if name in old else wanted[name].serial for name in certificates.names}
