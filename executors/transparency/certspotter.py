"""Cert Spotter's API: how it is asked, and how a page of its answer is read. Pure."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated

from cryptography import x509
from pydantic import Field, TypeAdapter

from executors.transparency import issuers
from executors.transparency.reading import LAST, Row, host_names, rows
from executors.transparency.source import Parameters, Unusable
from model.transparency import Issuance

NAME = "Cert Spotter"
PATH = "/v1/issuances"


class _Row(Row):
    id: Annotated[str, Field(pattern=r"^[0-9]{1,30}$")]
    cert_der: str


_PAGE = TypeAdapter(list[_Row])


@dataclass(frozen=True)
class Page:
    """Some issuances, and the id after which the next page begins; None behind the last."""

    issuances: tuple[Issuance, ...]
    after: str | None


def parameters(domain: str, after: str | None) -> Parameters:
    """The certificates themselves are asked for: nothing else tells the serial number."""
    first = (("domain", domain), ("include_subdomains", "true"), ("expand", "cert_der"))
    return first if after is None else (*first, ("after", after))


def parse(body: bytes) -> Page:
    """A page of an answer, oldest first. Raises `Unusable`."""
    found = rows(_PAGE, body)
    issuances = tuple(_issuance(number, row) for number, row in enumerate(found, 1))
    return Page(issuances, found[-1].id if found else None)


def _issuance(number: int, row: _Row) -> Issuance:
    try:
        certificate = x509.load_der_x509_certificate(b64decode(row.cert_der, validate=True))
        return Issuance(
            id=issuers.certificate_id(certificate),
            names=host_names(_dns_names(certificate)),
            not_before=min(certificate.not_valid_before_utc, LAST),
            not_after=min(certificate.not_valid_after_utc, LAST),
        )
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise Unusable(f"sent JSON with no right cert_der in entry {number}") from None


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.DNSName)
