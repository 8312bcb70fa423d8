"""An authority's name, from a line such as `C=US, O=Let's Encrypt, CN=R11`, or from a certificate. Pure."""

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

from model.transparency import CertificateId, Issuer

# A value in quotes may hold commas; in either form a backslash keeps the next letter as it is.
_PART = re.compile(r'\s*([A-Za-z0-9.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^,\\]|\\.)*))\s*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)")
LONGEST = 200


def of_line(line: str) -> Issuer:
    """The first organisation and the first common name of a line; what is no name at all is shown as it is."""
    parts: dict[str, str] = {}
    for kind, quoted, plain in _PART.findall(line):
        parts.setdefault(kind.upper(), _ESCAPE.sub(r"\1", quoted or plain.strip())[:LONGEST])
    if "O" not in parts and "CN" not in parts:
        return Issuer(organisation="", common_name=line.strip()[:LONGEST])
    return Issuer(organisation=parts.get("O", ""), common_name=parts.get("CN", ""))


def of_name(name: x509.Name) -> Issuer:
    """The same of the issuer's name in a certificate."""
    return Issuer(organisation=_first(name, NameOID.ORGANIZATION_NAME), common_name=_first(name, NameOID.COMMON_NAME))


def certificate_id(certificate: x509.Certificate) -> CertificateId:
    """By which a certificate that flstr asked for is found again among those that were logged."""
    return CertificateId(issuer=of_name(certificate.issuer), serial=f"{certificate.serial_number:x}")


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value).strip()[:LONGEST] if found else ""
