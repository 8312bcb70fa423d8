"""Certificates on an ingress: one file each, with chain and key, so that both are replaced at once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gitops.secrets import Decrypt, masked
from model.certificates import IssuedCertificate
from model.errors import Refused, StepFailed
from model.names import CertificateHost

CERTIFICATES_FOLDER = "/etc/nginx/certificates"
# Of a script that finds that a certificate is not there which the machine had.
MISSING_STATUS = 77
MISSING_MARK = "certificates that are not here any more:"
# Of one that finds that nginx refuses the first certificate of a host.
REFUSED_STATUS = 78
REFUSED_MARK = "refused certificate: "


@dataclass(frozen=True)
class Pair:
    """A certificate as nginx reads it."""

    name: CertificateHost
    chain: str
    key: str = field(repr=False)

    @property
    def path(self) -> str:
        """Where it stands."""
        return certificate_path(self.name)

    @property
    def content(self) -> str:
        """For `ssl_certificate` and `ssl_certificate_key` alike, which each take their part of it."""
        return "".join(part if part.endswith("\n") else f"{part}\n" for part in (self.chain, self.key))


@dataclass(frozen=True)
class IngressCertificates:
    """What becomes of an ingress's certificates: `pairs` come to it, those of `kept` it has already, others go."""

    pairs: tuple[Pair, ...] = ()
    kept: tuple[CertificateHost, ...] = ()

    @property
    def names(self) -> tuple[CertificateHost, ...]:
        """All that it will have."""
        return tuple(sorted({*self.kept, *(pair.name for pair in self.pairs)}))

    @property
    def paths(self) -> tuple[str, ...]:
        """Where they stand."""
        return tuple(map(certificate_path, self.names))

    @property
    def kept_paths(self) -> tuple[tuple[CertificateHost, str], ...]:
        """Those that it has already, and where they stand."""
        return tuple((name, certificate_path(name)) for name in self.kept)


def certificate_path(name: CertificateHost, folder: str = CERTIFICATES_FOLDER) -> str:
    """Where a certificate stands; no host name begins with `_`, so none can be taken for a wildcard's."""
    return f"{folder}/{name.replace('*', '_')}.pem"


def pair_of(name: CertificateHost, issued: IssuedCertificate, decrypt: Decrypt) -> Pair:
    """A certificate with its key, opened for the moment. Raises `Refused`, which says nothing of the key."""
    try:
        return Pair(name, issued.chain, decrypt(issued.sealed_key).decode())
    except UnicodeDecodeError:
        # Not even the reason: it shows what was decoded.
        raise Refused("what was kept for it is no key") from None


def certificates_to_bring(
    wanted: Mapping[CertificateHost, IssuedCertificate],
    noted: Mapping[CertificateHost, str],
    decrypt: Decrypt,
) -> tuple[IngressCertificates, dict[CertificateHost, str]]:
    """What an ingress is given, after it was last given those that are `noted` with their serial numbers; and why some
    keys cannot be opened. Such a host keeps what it has, if it has anything."""
    pairs, kept, unopened = [], [], {}
    for name, issued in wanted.items():
        if noted.get(name) == issued.serial:
            kept.append(name)
            continue
        try:
            pairs.append(pair_of(name, issued, decrypt))
        except Refused as error:
            unopened[name] = error.sentence
            if name in noted:
                kept.append(name)
    return IngressCertificates(tuple(pairs), tuple(kept)), unopened


def missing_certificates(printed: str) -> frozenset[CertificateHost]:
    """The hosts whose certificate was not found where it had been put, from what the script printed."""
    lines = (line.removeprefix(MISSING_MARK) for line in printed.splitlines() if line.startswith(MISSING_MARK))
    return frozenset(name for line in lines for name in line.split())


def refused_certificates(printed: str) -> dict[CertificateHost, str]:
    """The hosts whose new certificate nginx did not take, and why, from what the script printed."""
    lines = (line.removeprefix(REFUSED_MARK) for line in printed.splitlines() if line.startswith(REFUSED_MARK))
    return {name: why for name, _, why in (line.partition(" ") for line in lines)}


def without_keys(failed: StepFailed, pairs: Iterable[Pair]) -> StepFailed:
    """The same failure, without a line of a private key, whatever a machine said."""
    values: Collection[bytes] = [pair.key.encode() for pair in pairs]
    failed.sentence = masked(failed.sentence, values)
    failed.output = masked(failed.output, values)
    failed.args = (failed.sentence,)
    return failed
