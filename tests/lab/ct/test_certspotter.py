"""Cert Spotter's issuances, page by page."""

from base64 import b64decode
from collections.abc import Iterator

import pytest
from cryptography import x509

from lab.ct.authority import Authority
from lab.ct.settings import CtSettings
from tests.lab.ct.running_ct import RunningCt


@pytest.fixture
def strict() -> Iterator[RunningCt]:
    """With short pages and few questions."""
    running = RunningCt(CtSettings(page_size=2, domains_per_hour=2))
    yield running
    running.stop()


def test_fields_come_where_they_are_asked_for(ct: RunningCt, authority: Authority) -> None:
    certificate = authority.issue(["shop.example.com"])
    ct.api.log(certificate)
    (plain,) = ct.certspotter("example.com").json()
    assert set(plain) == {
        "id",
        "tbs_sha256",
        "cert_sha256",
        "pubkey_sha256",
        "not_before",
        "not_after",
        "revoked",
    }
    assert plain["not_before"].endswith("Z")
    (full,) = ct.certspotter("example.com", "dns_names", "issuer", "cert_der").json()
    assert full["dns_names"] == ["shop.example.com"]
    assert (full["issuer"]["friendly_name"], full["issuer"]["name"]) == (
        "Let's Encrypt",
        "C=US, O=Let's Encrypt, CN=R11",
    )
    assert x509.load_der_x509_certificate(b64decode(full["cert_der"])) == certificate


def test_names_below_are_found_where_they_are_asked_for(ct: RunningCt, authority: Authority) -> None:
    ct.api.log(authority.issue(["shop.example.com"]))
    assert ct.certspotter("example.com", include_subdomains="false").json() == []
    assert len(ct.certspotter("shop.example.com", include_subdomains="false").json()) == 1


def test_precertificate_and_certificate_are_one_issuance(ct: RunningCt, authority: Authority) -> None:
    before, after = authority.issue_both(["example.com"])
    ct.api.log(before)
    first = ct.certspotter("example.com", "cert_der").json()
    ct.api.log(after)
    second = ct.certspotter("example.com", "cert_der").json()
    assert (len(first), len(second)) == (1, 1)
    assert first[0]["cert_der"] != second[0]["cert_der"]


def test_pages_follow_each_other_until_one_is_empty(strict: RunningCt, authority: Authority) -> None:
    names = [f"{letter}.example.com" for letter in "abc"]
    for name in names:
        strict.api.log(authority.issue([name]))
    seen, after = [], ""
    while page := strict.certspotter("example.com", "dns_names", after=after).json():
        seen += [name for row in page for name in row["dns_names"]]
        after = page[-1]["id"]
    assert seen == names


def test_who_asks_for_too_many_domains_in_an_hour_is_told_when_to_come_back(strict: RunningCt) -> None:
    assert [strict.certspotter("example.com").status_code for _ in range(3)] == [200, 200, 429]
    refused = strict.certspotter("example.com")
    assert refused.json()["code"] == "rate_limited"
    assert 3590 < int(refused.headers["Retry-After"]) <= 3601


@pytest.mark.parametrize("parameters", [{"domain": "com"}, {"domain": "example.com", "after": "x"}])
def test_what_cannot_be_asked_is_refused(ct: RunningCt, parameters: dict[str, str]) -> None:
    response = ct.certspotter(**parameters)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
