"""Certificates as Certificate Transparency tells of them."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from model.base import Frozen

# `ari`: ordered as the replacement of a certificate, at the time that ACME Renewal Information named; no limit holds.
# `same names`: the exact set of names had a certificate before; the limit of the registered domain does not hold.
Renewal = Literal["no", "same names", "ari"]


class Issuer(Frozen):
    """The authority that signed a certificate; either part may be empty, as not every authority has both."""

    organisation: str
    common_name: str

    @property
    def words(self) -> str:
        """As a person says it: Let's Encrypt R11."""
        if self.common_name.startswith(self.organisation):
            return self.common_name or "an authority without a name"
        return f"{self.organisation} {self.common_name}".strip()


class CertificateId(Frozen):
    """What a precertificate and its certificate have in common, and no two certificates else.

    A serial number alone would not do: whoever forges a certificate chooses it.
    """

    issuer: Issuer
    serial: str = Field(description="Hexadecimal, in small letters, without zeros before it")


class AskedFor(Frozen):
    """`flstr/asked_for/<serial>`: a certificate that flstr asked for, whatever became of it afterwards."""

    id: CertificateId
    not_after: AwareDatetime
    names: tuple[str, ...] = Field((), description="None where an older flstr noted it")
    at: AwareDatetime | None = Field(None, description="When it was issued; None where an older flstr noted it")
    renewal: Renewal = "no"
    directory: str = Field("", description="Of the authority that issued it")


class Issuance(Frozen):
    """One certificate that was issued, precertificate and certificate in one."""

    id: CertificateId
    names: tuple[str, ...] = Field(description="In small letters and in order; a name may begin with *.")
    not_before: AwareDatetime
    not_after: AwareDatetime
    logged_at: AwareDatetime | None = Field(None, description="None where the source does not say")

    def good_at(self, now: datetime) -> bool:
        """Whether it has begun to be good, and not ended."""
        return self.not_before <= now < self.not_after


class Logged(Frozen):
    """`flstr/transparency/<domain>`: the last good answer to what was issued for a registered domain."""

    domain: str
    source: str = Field(description="Who said so")
    at: AwareDatetime
    issuances: tuple[Issuance, ...] = Field(description="Newest first")
    left_out: int = Field(0, description="Older ones that are too many to keep")
