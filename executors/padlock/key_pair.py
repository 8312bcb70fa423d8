"""Whether a certificate and a private key belong together: asked before both are put on a machine."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

_PROOF = b"this key belongs to that certificate"


def pair_fault(certificates: bytes, private_key: bytes) -> str:
    """Why a chain (PEM, the host's certificate first) and a private key (PEM) cannot be served, or nothing."""
    try:
        leaf = x509.load_pem_x509_certificates(certificates)[0]
    except ValueError:
        return "the certificate is no PEM certificate"
    try:
        key = serialization.load_pem_private_key(private_key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "the private key is no PEM key that can be read without a password"
    try:
        if _proves(key, leaf):
            return ""
    except UnsupportedAlgorithm:
        return "the certificate has a kind of key that cannot be looked at"
    return "the private key is not the one of the certificate"


def _proves(key: object, leaf: x509.Certificate) -> bool:
    """Signs with the one and verifies with the other, as a handshake does: equal public halves would prove less."""
    public = leaf.public_key()
    try:
        match key, public:
            case rsa.RSAPrivateKey(), rsa.RSAPublicKey():
                signature = key.sign(_PROOF, padding.PKCS1v15(), hashes.SHA256())
                public.verify(signature, _PROOF, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePrivateKey(), ec.EllipticCurvePublicKey():
                signature = key.sign(_PROOF, ec.ECDSA(hashes.SHA256()))
                public.verify(signature, _PROOF, ec.ECDSA(hashes.SHA256()))
            case ed25519.Ed25519PrivateKey(), ed25519.Ed25519PublicKey():
                public.verify(key.sign(_PROOF), _PROOF)
            case ed448.Ed448PrivateKey(), ed448.Ed448PublicKey():
                public.verify(key.sign(_PROOF), _PROOF)
            case _:
                return False
    except InvalidSignature:
        return False
    return True
