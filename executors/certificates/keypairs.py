"""Private keys: one for each certificate, and one for an account with an authority."""

from acme import crypto_util
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwk import JWK, JWKEC

from model.names import CertificateHost


def make_key() -> bytes:
    """A new ECDSA key on P-256, which every client and authority knows, in PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def account_key(pem: bytes) -> JWK:
    """The key of an account, as it signs requests."""
    return JWKEC(key=serialization.load_pem_private_key(pem, password=None))


def signing_request(key: bytes, names: tuple[CertificateHost, ...]) -> bytes:
    """What the authority is to certify, in PEM; the names are nowhere but where browsers look."""
    return crypto_util.make_csr(key, list(names))
