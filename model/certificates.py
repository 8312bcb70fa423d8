"""Certificates of public addresses, as etcd keeps them; private keys only as age has encrypted them."""

from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from model.base import Frozen
from model.names import CertificateHost, Encrypted
from model.transparency import Renewal


class RenewalWindow(Frozen):
    """When the authority suggests to renew (RFC 9773), and when it wants to be asked again."""

    start: AwareDatetime
    end: AwareDatetime
    ask_again: AwareDatetime
    explanation_url: str = ""

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.end <= self.start:
            raise ValueError("a renewal window ends after its start")
        return self


class IssuedCertificate(Frozen):
    """A certificate that was found without fault when it was issued."""

    names: tuple[CertificateHost, ...]
    chain: str = Field(description="PEM: the certificate, then each one's issuer, without the root")
    sealed_key: Encrypted
    serial: str = Field(description="Hexadecimal, as crt.sh and openssl write it")
    not_before: AwareDatetime
    not_after: AwareDatetime
    issued_at: AwareDatetime
    directory: str = Field(description="Of the authority that issued it")
    window: RenewalWindow | None = None


class PlacedOrder(Frozen):
    """`flstr/order/<name>`: an order that the authority is asked to issue by, noted before it is asked. Until it is
    known what came of it, it counts as issued, and the next attempt goes on with it."""

    names: tuple[CertificateHost, ...]
    url: str
    sealed_key: Encrypted
    at: AwareDatetime
    renewal: Renewal
    directory: str = Field(description="Of the authority that it was placed with")


class IssueFailure(Frozen):
    """Why the last attempt ended without a certificate; before `retry_at` another one is in vain."""

    sentence: str
    at: AwareDatetime
    retry_at: AwareDatetime | None = None
    before: tuple[AwareDatetime, ...] = Field((), description="Attempts that had failed in the hour before it")
    over_budget: bool = Field(False, description="Whether nobody was asked, because a limit would have been broken")


class CertificateRecord(Frozen):
    """`certificate/<name>`: the newest certificate, which serves on while `failure` says why there is no newer one."""

    name: CertificateHost
    issued: IssuedCertificate | None = None
    failure: IssueFailure | None = None


class AcmeAccount(Frozen):
    """`flstr/acme_account/<directory>`: the key is kept before the authority hears of it; until then `url` is empty."""

    directory: str
    sealed_key: Encrypted
    url: str = ""
