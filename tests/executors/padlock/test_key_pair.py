"""Whether a certificate and a private key belong together."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from executors.padlock.key_pair import pair_fault
from tests.executors.padlock.authority import HOST, PEM, Authority, Issued, issue, key_pem, new_key, pem_of
from tests.executors.padlock.setups import borrowed_key

NOT_ITS_OWN = "the private key is not the one of the certificate"


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return Authority(Path(tmp_path_factory.mktemp("authority"))).issue(HOST)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def test_a_pair(issued: Issued, rsa_key: rsa.RSAPrivateKey) -> None:
    assert pair_fault(pem_of(issued.certificate), key_pem(issued.key)) == ""
    other = issue(HOST, key=rsa_key)
    assert pair_fault(pem_of(other.certificate, issued.certificate), key_pem(rsa_key)) == ""


def test_the_first_certificate_is_the_one_that_counts(issued: Issued) -> None:
    other = issue("other.example.com")
    assert pair_fault(pem_of(other.certificate, issued.certificate), key_pem(issued.key)) == NOT_ITS_OWN


def test_the_key_of_another_certificate(issued: Issued, rsa_key: rsa.RSAPrivateKey) -> None:
    assert pair_fault(pem_of(issued.certificate), key_pem(new_key())) == NOT_ITS_OWN
    assert pair_fault(pem_of(issued.certificate), key_pem(rsa_key)) == NOT_ITS_OWN
    ed_key = ed25519.Ed25519PrivateKey.generate()
    pem = ed_key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert pair_fault(pem_of(issued.certificate), pem) == NOT_ITS_OWN


def test_a_key_that_only_claims_to_be_the_one(issued: Issued) -> None:
    assert pair_fault(pem_of(issued.certificate), borrowed_key(issued.certificate)) != ""


def test_what_is_no_certificate_or_no_key(issued: Issued) -> None:
    assert pair_fault(b"", key_pem(issued.key)) == "the certificate is no PEM certificate"
    wanted = "the private key is no PEM key that can be read without a password"
    assert pair_fault(pem_of(issued.certificate), pem_of(issued.certificate)) == wanted
    locked = issued.key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    assert pair_fault(pem_of(issued.certificate), locked) == wanted
