"""Whatever is done with a certificate, etcd knows that it was flstr that asked for it."""

from dataclasses import replace

import pytest
from cryptography import x509

from executors.certificates.http01 import Http01Solver
from executors.certificates.office import Office, note_asked_for
from executors.transparency.issuers import certificate_id
from gitops.certificates import read_asked_for, read_order
from gitops.store import Store
from model import keys
from model.certificates import CertificateRecord
from model.errors import StepFailed
from model.transparency import CertificateId
from tests.executors.certificates.offices import NAME


def logged_as(record: CertificateRecord) -> CertificateId:
    """By which Certificate Transparency knows it."""
    assert record.issued is not None
    return certificate_id(x509.load_pem_x509_certificate(record.issued.chain.encode()))


def test_one_that_was_renewed_or_forgotten_is_still_ours(store: Store, office: Office, http01: Http01Solver) -> None:
    first, second = (logged_as(office.obtain((NAME,), http01)) for _ in range(2))
    assert first != second
    store.delete(keys.certificate(NAME))
    assert read_asked_for(store) == {first, second}


def test_one_that_is_not_used_for_its_faults_is_ours_too(store: Store, office: Office, http01: Http01Solver) -> None:
    with pytest.raises(StepFailed, match="the new certificate is not used"):
        replace(office, roots=[]).obtain((NAME,), http01)
    assert len(read_asked_for(store)) == 1
    # Whoever went on with that order would have the same one again.
    assert read_order(store, NAME) is None


def test_an_authority_that_sends_no_certificate_leaves_no_note(store: Store) -> None:
    note_asked_for(store, "nothing")
    assert read_asked_for(store) == frozenset()
