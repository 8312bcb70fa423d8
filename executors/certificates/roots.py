"""The authorities that a certificate has to lead to."""

import re
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from model.errors import Refused

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def trusted_roots(authority: Path | None = None) -> list[x509.Certificate]:
    """The roots in a file, or those that this machine trusts. Raises `Refused` where there are none."""
    paths = ssl.get_default_verify_paths()
    path = authority or Path(paths.cafile or f"{paths.capath}/ca-certificates.crt")
    try:
        found = list(_certificates(path.read_bytes()))
    except OSError:
        found = []
    if not found:
        mend = "install Debian's ca-certificates" if authority is None else "put them there in PEM"
        raise Refused(f"{path} holds no certificates of trusted authorities; {mend}")
    return found


def _certificates(content: bytes) -> Iterator[x509.Certificate]:
    """Those that can be read: an old root that breaks today's rules is no reason to trust none of the others."""
    for block in _PEM.findall(content):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                certificate = x509.load_pem_x509_certificate(block)
        except ValueError:
            continue
        yield certificate
