"""Certificates on an ingress: one file each, with chain and key, so that both are replaced at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from executors.routing_files import NGINX_CONFIG
from executors.templates import render
from gitops.certificates import KeySafe
from model.certificates import IssuedCertificate
from model.errors import StepFailed
from model.names import CertificateHost

CERTIFICATES_FOLDER = "/etc/nginx/certificates"


@dataclass(frozen=True)
class Pair:
    """A certificate as nginx reads it."""

    name: CertificateHost
    chain: str
    key: str = field(repr=False)

    @property
    def content(self) -> str:
        """For `ssl_certificate` and `ssl_certificate_key` alike, which each take their part of it."""
        return "".join(part if part.endswith("\n") else f"{part}\n" for part in (self.chain, self.key))


def certificate_path(name: CertificateHost, folder: str = CERTIFICATES_FOLDER) -> str:
    """Where a certificate stands; no host name begins with `_`, so none can be taken for a wildcard's."""
    return f"{folder}/{name.replace('*', '_')}.pem"


def pair_of(name: CertificateHost, issued: IssuedCertificate | None, safe: KeySafe) -> Pair:
    """A certificate with its key, opened for the moment. Raises `StepFailed`, and `Refused` for another's key."""
    if issued is None:
        raise StepFailed(f"{name} has no certificate yet")
    return Pair(name, issued.chain, safe.open(issued.sealed_key).decode())


def install_script(
    pairs: Sequence[Pair],
    gone: Collection[CertificateHost] = (),
    folder: str = CERTIFICATES_FOLDER,
    nginx_config: str = NGINX_CONFIG,
) -> str:
    """The script that puts certificates on an ingress, and takes those away that are `gone`; where nginx refuses, all
    is as it was. It holds private keys, so nobody keeps it."""
    return render(
        "certificates/install.sh.j2",
        pairs={certificate_path(pair.name, folder): pair.content for pair in pairs},
        gone=[certificate_path(name, folder) for name in sorted(gone)],
        folder=folder,
        nginx_config=nginx_config,
    )
