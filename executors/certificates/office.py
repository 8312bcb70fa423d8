"""Getting a certificate and keeping it: the account, the order, the check, and the record of how it went."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from executors.certificates.ari import ask_window, replaced_id
from executors.certificates.authority import Authority, Session, enter
from executors.certificates.failures import IssueFailed, in_words
from executors.certificates.faults import LONGEST, faults
from executors.certificates.issue import NewCertificate, Report, check_provable, issue
from executors.certificates.keypairs import account_key, make_key
from executors.certificates.network import Network
from executors.certificates.proofs import Solver
from executors.transparency.issuers import certificate_id
from gitops.certificate_budget import repetition
from gitops.certificates import (
    KeySafe,
    claim_account,
    put_account,
    put_asked_for,
    put_failure,
    put_issued,
    put_window,
    read_certificate,
    read_history,
)
from gitops.renewal import named_by_ari
from gitops.store import Store
from model.certificates import CertificateRecord, IssuedCertificate, IssueFailure, RenewalWindow
from model.errors import Refused, StepFailed, Unreadable
from model.names import CertificateHost
from model.transparency import AskedFor, Renewal

ISSUE_SECONDS = 300.0


@dataclass(frozen=True)
class Office:
    """Where certificates come from and where they are kept. `roots` are what they have to lead to."""

    store: Store
    safe: KeySafe
    authority: Authority
    roots: Sequence[x509.Certificate]
    longest: timedelta = LONGEST
    pause: Callable[[float], None] = time.sleep

    def obtain(
        self, names: Sequence[CertificateHost], solver: Solver, report: Report = lambda _: None
    ) -> CertificateRecord:
        """A new certificate, in the place of one of the same name. Where it fails, the old one stays, the record says
        why, and so does the `StepFailed` that is raised."""
        wanted = tuple(dict.fromkeys(names))
        check_provable(wanted, solver.kind)
        before = read_certificate(self.store, wanted[0])
        try:
            issued = self._issue(wanted, solver, None if before is None else before.issued, report)
        except Unreadable:
            raise
        except (StepFailed, Refused) as error:
            retry_at = error.retry_at if isinstance(error, IssueFailed) else None
            failure = IssueFailure(sentence=error.sentence, at=datetime.now(UTC), retry_at=retry_at)
            put_failure(self.store, wanted[0], failure)
            raise
        return put_issued(self.store, wanted[0], issued)

    def ask_window(self, record: CertificateRecord) -> RenewalWindow | None:
        """When the authority wants a certificate renewed, asked now and noted."""
        if record.issued is None:
            return None
        window = ask_window(self.authority, record.issued, datetime.now(UTC), self.pause)
        put_window(self.store, record.name, record.issued.serial, window)
        return window

    def key_of(self, issued: IssuedCertificate) -> bytes:
        """The private key in PEM, for the moment in which it goes to a machine. Raises `Refused`."""
        return self.safe.open(issued.sealed_key)

    def _issue(
        self, names: tuple[CertificateHost, ...], solver: Solver, old: IssuedCertificate | None, report: Report
    ) -> IssuedCertificate:
        directory = self.authority.directory
        session = self._enter(names)
        ours = old if old is not None and old.directory == directory else None
        replaces = None if ours is None else replaced_id(session.client.directory, ours.chain)
        history = read_history(self.store)
        new = issue(session, names, solver, replaces, report)
        by_ari = new.replaces and ours is not None and named_by_ari(ours, datetime.now(UTC))
        renewal: Renewal = "ari" if by_ari else repetition(names, history, ours, directory)
        note_asked_for(self.store, new.chain, names, directory, renewal)
        return self._checked(names, new)

    def _checked(self, names: tuple[CertificateHost, ...], new: NewCertificate) -> IssuedCertificate:
        now = datetime.now(UTC)
        found = faults(new.chain, new.key, names, self.roots, now, self.longest)
        if found:
            raise IssueFailed(f"{', '.join(names)}: the new certificate is not used, because {'; '.join(found)}")
        leaf = x509.load_pem_x509_certificate(new.chain.encode())
        return IssuedCertificate(
            names=names,
            chain=new.chain,
            sealed_key=self.safe.seal(new.key),
            serial=f"{leaf.serial_number:x}",
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            issued_at=now,
            directory=self.authority.directory,
        )

    def _enter(self, names: Sequence[CertificateHost]) -> Session:
        """A conversation under the one account, which is made at the first one."""
        directory = self.authority.directory
        with _one_at_a_time:
            account = claim_account(self.store, directory, lambda: self.safe.seal(make_key()))
            key = account_key(self.safe.open(account.sealed_key))
            with in_words(directory, names):
                session = enter(self.authority, key, Network(key, ISSUE_SECONDS, self.authority.trust, self.pause))
            if account.url != session.url:
                put_account(self.store, account.model_copy(update={"url": session.url}))
        return session


def note_asked_for(
    store: Store,
    chain: str,
    names: tuple[CertificateHost, ...] = (),
    directory: str = "",
    renewal: Renewal = "no",
) -> None:
    """Whatever is done with a certificate, it will be seen in the logs, and it was flstr that asked for it."""
    with contextlib.suppress(ValueError):
        leaf = x509.load_pem_x509_certificate(chain.encode())
        asked = AskedFor(
            id=certificate_id(leaf),
            not_after=leaf.not_valid_after_utc,
            names=names,
            at=datetime.now(UTC),
            renewal=renewal,
            directory=directory,
        )
        put_asked_for(store, asked)


# Certificates are got side by side; an account is made once.
_one_at_a_time = threading.Lock()
