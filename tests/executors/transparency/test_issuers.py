"""Authorities' names, from lines and from certificates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.transparency import issuers
from lab.ct.authority import Authority
from lab.ct.wire import one_line
from model.transparency import Issuer


@pytest.mark.parametrize(
    ("line", "organisation", "common_name", "words"),
    [
        ("C=US, O=Let's Encrypt, CN=R11", "Let's Encrypt", "R11", "Let's Encrypt R11"),
        ('C=US, O="CLOUDFLARE, INC.", CN=Cloudflare TLS', "CLOUDFLARE, INC.", "Cloudflare TLS", None),
        ("CN=R3,O=Let's Encrypt,C=US", "Let's Encrypt", "R3", "Let's Encrypt R3"),
        (r"O=A\, B, CN=C", "A, B", "C", "A, B C"),
        (r'O="The \"Best\"", CN=C', 'The "Best"', "C", None),
        ("CN=Pebble Intermediate CA 3fc1e2", "", "Pebble Intermediate CA 3fc1e2", "Pebble Intermediate CA 3fc1e2"),
        ("O=DigiCert, CN=DigiCert TLS", "DigiCert", "DigiCert TLS", "DigiCert TLS"),
        ("somebody", "", "somebody", "somebody"),
        ("", "", "", "an authority without a name"),
    ],
)
def test_a_line(line: str, organisation: str, common_name: str, words: str | None) -> None:
    issuer = issuers.of_line(line)
    assert issuer == Issuer(organisation=organisation, common_name=common_name)
    assert words is None or issuer.words == words


@given(st.text(max_size=400))
def test_any_line_is_some_name(line: str) -> None:
    issuer = issuers.of_line(line)
    assert len(issuer.words) <= 2 * issuers.LONGEST + 1
    assert issuer.words


@pytest.mark.parametrize("organisation", ["Let's Encrypt", "Rogue & Sons, Ltd", 'The "Best"', "Back\\slash", "A=B"])
def test_a_certificate_and_the_line_that_is_written_of_it_say_the_same(organisation: str) -> None:
    certificate = Authority(organisation, "R11").issue(["example.com"], serial=0x80)
    assert issuers.of_line(one_line(certificate.issuer)) == issuers.of_name(certificate.issuer)
    assert issuers.certificate_id(certificate).serial == "80"
