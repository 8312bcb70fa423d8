"""crt.sh: how it is asked, and how its answer is read. Pure."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from executors.transparency import issuers
from executors.transparency.issuances import merged
from executors.transparency.reading import Moment, Row, host_names, rows
from executors.transparency.source import Parameters
from gitops.domains import is_within
from model.transparency import CertificateId, Issuance

NAME = "crt.sh"


class _Row(Row):
    issuer_name: str
    name_value: str
    entry_timestamp: Moment | None = None
    not_before: Moment
    not_after: Moment
    serial_number: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{1,80}$")]


_ANSWER = TypeAdapter(list[_Row])


def parameters(domain: str) -> Parameters:
    """For a domain and all names below it: its search goes by whole labels, and refuses a star of SQL before one."""
    return (
        ("Identity", domain),
        ("match", "LIKE"),
        ("exclude", "expired"),
        ("deduplicate", "Y"),
        ("output", "json"),
    )


def parse(domain: str, body: bytes) -> tuple[Issuance, ...]:
    """The issuances of an answer, newest first. Raises `Unusable`.

    Of a certificate's names crt.sh tells those that match, so one that is for another domain as well is told twice.
    """
    found = rows(_ANSWER, body)
    return merged(one for one in map(_issuance, found) if any(is_within(name, domain) for name in one.names))


def _issuance(row: _Row) -> Issuance:
    return Issuance(
        id=CertificateId(issuer=issuers.of_line(row.issuer_name), serial=f"{int(row.serial_number, 16):x}"),
        names=host_names(row.name_value.split("\n")),
        not_before=row.not_before,
        not_after=row.not_after,
        logged_at=row.entry_timestamp,
    )
