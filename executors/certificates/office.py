"""Getting a certificate and keeping it: the account, the order, the check, and the record of how it went."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from executors.certificates.account import enter_account
from executors.certificates.ari import ask_window, replaced_id
from executors.certificates.authority import Authority, Session
from executors.certificates.failures import IssueFailed
from executors.certificates.faults import LONGEST, faults
from executors.certificates.issue import Report, check_provable, fetch, is_proved, prove
from executors.certificates.proofs import Solver
from executors.transparency.issuers import certificate_id
from gitops.certificate_budget import repetition
from gitops.certificates import (
    KeySafe,
    forget_order,
    put_asked_for,
    put_failure,
    put_issued,
    put_order,
    put_window,
    read_certificate,
    read_history,
    read_order,
)
from gitops.renewal import named_by_ari
from gitops.store import Store
from model.certificates import CertificateRecord, IssuedCertificate, IssueFailure, PlacedOrder, RenewalWindow
from model.errors import Refused, StepFailed, Unreadable
from model.names import CertificateHost
from model.transparency import AskedFor, Renewal


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
        session = enter_account(self.store, self.safe, self.authority, names, self.pause)
        order = self._left_over(names, session, report) or self._place(names, session, solver, old, report)
        key = self.safe.open(order.sealed_key)
        chain = fetch(session, names, order.url, key)
        note_asked_for(self.store, chain, names, order.directory, order.renewal)
        return self._checked(names, order, chain, key)

    def _left_over(self, names: tuple[CertificateHost, ...], session: Session, report: Report) -> PlacedOrder | None:
        """The order of an attempt that did not hear what came of it, where something has, or still may."""
        order = read_order(self.store, names[0])
        if order is None or (order.names, order.directory) != (names, self.authority.directory):
            return None
        if not self.safe.can_open(order.sealed_key) or not is_proved(session, names, order.url):
            return None
        report("going on with the last order")
        return order

    def _place(
        self,
        names: tuple[CertificateHost, ...],
        session: Session,
        solver: Solver,
        old: IssuedCertificate | None,
        report: Report,
    ) -> PlacedOrder:
        """A new order, noted as one by which a certificate is issued before any is."""
        directory = self.authority.directory
        ours = old if old is not None and old.directory == directory else None
        replaces = None if ours is None else replaced_id(session.client.directory, ours.chain)
        history = read_history(self.store)
        proved = prove(session, names, solver, replaces, report)
        now = datetime.now(UTC)
        by_ari = proved.replaces and ours is not None and named_by_ari(ours, now)
        renewal: Renewal = "ari" if by_ari else repetition(names, history, ours, directory)
        order = PlacedOrder(
            names=names,
            url=proved.url,
            sealed_key=self.safe.seal(proved.key),
            at=now,
            renewal=renewal,
            directory=directory,
        )
        put_order(self.store, order)
        return order

    def _checked(
        self, names: tuple[CertificateHost, ...], order: PlacedOrder, chain: str, key: bytes
    ) -> IssuedCertificate:
        now = datetime.now(UTC)
        found = faults(chain, key, names, self.roots, now, self.longest)
        if found:
            forget_order(self.store, names[0])
            raise IssueFailed(f"{', '.join(names)}: the new certificate is not used, because {'; '.join(found)}")
        leaf = x509.load_pem_x509_certificate(chain.encode())
        return IssuedCertificate(
            names=names,
            chain=chain,
            sealed_key=order.sealed_key,
            serial=f"{leaf.serial_number:x}",
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            issued_at=now,
            directory=self.authority.directory,
        )


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
