"""An order from beginning to end: every name proved and nothing left behind, then the certificate fetched."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from acme import errors, messages

from executors.certificates.authority import Session
from executors.certificates.failures import IssueFailed, Problem, authority_name, in_words, parse_retry_after, reason_of
from executors.certificates.keypairs import make_key, signing_request
from executors.certificates.proofs import ChallengeKind, Proof, Solver
from model.errors import Refused, StepFailed
from model.names import CertificateHost

SEEN_SECONDS = 120.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 10.0

Report = Callable[[str], None]

_PROVED = (messages.STATUS_READY, messages.STATUS_PROCESSING, messages.STATUS_VALID)


@dataclass(frozen=True)
class ProvedOrder:
    """What the authority would issue by now, and the key that was made for it.

    `replaces` says that the authority took it as the successor of another one.
    """

    url: str
    key: bytes = field(repr=False)
    replaces: bool = False


@dataclass(frozen=True)
class _Open:
    """A name that the authority wants a proof of."""

    proof: Proof
    challenge: messages.ChallengeBody
    authorization: messages.AuthorizationResource

    @property
    def name(self) -> str:
        """As it stands in the order; the authority leaves the star out."""
        return f"*.{self.proof.host}" if self.authorization.body.wildcard else self.proof.host


def prove(
    session: Session,
    names: tuple[CertificateHost, ...],
    solver: Solver,
    replaces: str | None = None,
    report: Report = lambda _: None,
) -> ProvedOrder:
    """Order one certificate for all the names, and prove them; none is issued before `fetch`. Raises `StepFailed`,
    mostly `IssueFailed`, in the network's time."""
    check_provable(names, solver.kind)
    with in_words(session.authority.directory, names):
        key = make_key()
        order, has_replaced = session.order(names, signing_request(key, names), replaces)
        with _abandoned_where_it_fails(session, order):
            _prove(session, order, solver, report)
        return ProvedOrder(order.uri, key, has_replaced)


def is_proved(session: Session, names: tuple[CertificateHost, ...], url: str) -> bool:
    """Whether a certificate may still come of an order that was proved at some time, or has come of it."""
    with in_words(session.authority.directory, names):
        order = session.find_order(url)
        return order is not None and order.status in _PROVED


def fetch(session: Session, names: tuple[CertificateHost, ...], url: str, key: bytes) -> str:
    """Have a proved order issued, unless it was already, and fetch the certificate with its chain; nobody has checked
    it yet. Raises `StepFailed`, mostly `IssueFailed`, in the network's time."""
    with in_words(session.authority.directory, names):
        body = session.order_at(url)
        order = messages.OrderResource(body=body, uri=url, csr_pem=signing_request(key, names))
        return _finalize(session, order)


def check_provable(names: Sequence[CertificateHost], kind: ChallengeKind) -> None:
    """Raise `Refused` for names that cannot be proved in this way, before anybody is asked for anything."""
    stars = [name for name in names if name.startswith("*.")]
    if stars and kind != "dns-01":
        raise Refused(f"{stars[0]} can be proved by DNS only; let its zone be one that flstr writes records to")


def _prove(session: Session, order: messages.OrderResource, solver: Solver, report: Report) -> None:
    pending = [one for one in order.authorizations if one.body.status == messages.STATUS_PENDING]
    opened = [_open(session, one, solver.kind) for one in pending]
    if not opened:
        return
    proofs = [one.proof for one in opened]
    with _taken_away(solver, proofs, report):
        solver.put(proofs)
        report(f"waiting until the proof by {solver.kind.upper()} is seen")
        solver.await_seen(proofs, min(SEEN_SECONDS, session.net.left()))
        report(f"{authority_name(session.authority.directory)} looks for the proof")
        for one in opened:
            session.client.answer_challenge(one.challenge, one.challenge.response(session.key))
        _await_decisions(session, opened)


@contextlib.contextmanager
def _taken_away(solver: Solver, proofs: Sequence[Proof], report: Report) -> Iterator[None]:
    """What was put is taken away, however it ends; that this failed is no reason to give up what was got by it."""
    try:
        yield
    finally:
        try:
            solver.take_away(proofs)
        except StepFailed as error:
            report(f"a proof could not be taken away: {error.sentence}")


def _open(session: Session, authorization: messages.AuthorizationResource, kind: ChallengeKind) -> _Open:
    host = authorization.body.identifier.value
    for challenge in authorization.body.challenges:
        if challenge.chall.typ == kind:
            answer = challenge.response_and_validation(session.key)
            proof = Proof(kind, host, challenge.chall.encode("token"), answer[1])
            return _Open(proof, challenge, authorization)
    authority = authority_name(session.authority.directory)
    raise IssueFailed(f"{host}: {authority} does not take {kind} as a proof; use the other one")


def _await_decisions(session: Session, opened: Sequence[_Open]) -> None:
    refused = []
    for one in sorted(opened, key=lambda one: one.name):
        decided = _decided(session, one.authorization)
        if decided.body.status != messages.STATUS_VALID:
            refused.append((one, _error_of(decided)))
    if refused:
        authority = authority_name(session.authority.directory)
        reasons = [reason_of(authority, one.proof.host, error, one.proof.kind) for one, error in refused]
        names = ", ".join(one.name for one, _ in refused)
        raise IssueFailed(f"{names}: no certificate, because {'; '.join(dict.fromkeys(reasons))}")


def _decided(session: Session, authorization: messages.AuthorizationResource) -> messages.AuthorizationResource:
    pause = SHORTEST_PAUSE
    while session.net.left():
        seen, answer = session.client.poll(authorization)
        if seen.body.status not in (messages.STATUS_PENDING, messages.STATUS_PROCESSING):
            return seen
        now = datetime.now(UTC)
        asked_for = (parse_retry_after(answer.headers.get("Retry-After", ""), now) or now) - now
        session.net.pause(min(max(pause, asked_for.total_seconds()), LONGEST_PAUSE, session.net.left()))
        pause = min(2 * pause, LONGEST_PAUSE)
    raise errors.TimeoutError


def _error_of(authorization: messages.AuthorizationResource) -> messages.Error:
    """Why a name was refused; one whose authorization was taken back has no error."""
    found = [challenge.error for challenge in authorization.body.challenges if challenge.error is not None]
    return (
        found[0]
        if found
        else messages.Error.from_json({"detail": f"its authorization is {authorization.body.status.name}"})
    )


def _finalize(session: Session, order: messages.OrderResource) -> str:
    if order.body.status in (messages.STATUS_READY, messages.STATUS_PENDING):
        try:
            session.client.begin_finalization(order)
        except Problem as problem:
            # The decisions are not in the order yet, or an answer to the same request was lost: the order itself says.
            if problem.code != "orderNotReady":
                raise
    # The library's clock is the local one, without a zone.
    deadline = datetime.now() + timedelta(seconds=session.net.left())
    return str(session.client.poll_finalization(order, deadline).fullchain_pem)


@contextlib.contextmanager
def _abandoned_where_it_fails(session: Session, order: messages.OrderResource) -> Iterator[None]:
    """Of an order that comes to nothing, no name stays pending with the authority, which counts them."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            for one in order.authorizations:
                if session.authorization(one.uri).body.status == messages.STATUS_PENDING:
                    session.client.deactivate_authorization(one)
        raise
