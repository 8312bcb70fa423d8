"""The cluster's private authority: what it certifies is what flstr says, whatever a request says."""

from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from executors.control.authority import AUTHORITY_LIFE, EARLIER, LEAF_LIFE, MEMBER_NAME, Signer, new_authority
from executors.control.signing import signer_of
from gitops.certificates import key_safe
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from tests.identity import IDENTITIES, OTHERS


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(*new_authority("flstr test"))


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = "root") -> str:
    """A signing request, as openssl on a machine would make it, that asks for a name of its own."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternatives = x509.SubjectAlternativeName([x509.DNSName("elsewhere.example")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(alternatives, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def parsed(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def usages(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_the_authority_certifies_itself_for_twenty_years_and_leaves_alone(signer: Signer) -> None:
    certificate = parsed(signer.certificate)
    certificate.verify_directly_issued_by(certificate)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == AUTHORITY_LIFE + EARLIER
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"


def test_a_member_has_its_addresses_no_common_name_and_serves_as_well_as_it_asks(signer: Signer) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = parsed(signer.sign_member(request(key), ("10.110.0.1", "127.0.0.1", "controller001")))
    certificate.verify_directly_issued_by(parsed(signer.certificate))
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME) == []
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("10.110.0.1"), ip_address("127.0.0.1")]
    assert names.get_values_for_type(x509.DNSName) == ["controller001", MEMBER_NAME]
    assert usages(certificate) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == LEAF_LIFE + EARLIER


def test_a_client_is_who_flstr_says_and_can_be_no_server_and_no_member(signer: Signer) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = parsed(signer.sign_client(request(key, "root"), "worker101"))
    certificate.verify_directly_issued_by(parsed(signer.certificate))
    names = [one.value for one in certificate.subject]
    assert names == ["worker101"]
    assert usages(certificate) == {ExtendedKeyUsageOID.CLIENT_AUTH}
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_what_is_no_request_of_its_own_key_is_not_signed(signer: Signer) -> None:
    mine, other = (request(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    # The second half of a request holds its signature.
    half = len(mine) // 2
    for bad in ("", "nonsense", mine[:half] + other[half:]):
        with pytest.raises(ValueError, match=r".+"):
            signer.sign_client(bad, "worker101")
    with pytest.raises(TypeError, match="another kind than ECDSA"):
        signer.sign_client(request(rsa.generate_private_key(65537, 2048)), "worker101")


def test_it_is_made_once_and_kept_with_its_key_sealed(store: Store) -> None:
    first = signer_of(store, key_safe(IDENTITIES), "test")
    assert signer_of(store, key_safe(IDENTITIES), "test") == first
    kept = store.get(keys.AUTHORITY) or ""
    assert "PRIVATE KEY" not in kept
    assert first.founding() != Signer(*new_authority("flstr test")).founding()


def test_whoever_cannot_open_its_key_says_so(store: Store) -> None:
    signer_of(store, key_safe(OTHERS), "test")
    with pytest.raises(StepFailed, match="the key of the cluster's authority cannot be opened"):
        signer_of(store, key_safe(IDENTITIES), "test")
