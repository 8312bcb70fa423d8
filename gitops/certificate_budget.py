"""Which certificates may be ordered now, by what flstr itself has asked for; for the others, from when on. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gitops.issuance_budget import FailedAuthorisation, Issued, LimitReached, exact_set, limit_reached
from gitops.renewal import named_by_ari
from model.certificates import CertificateRecord, IssuedCertificate, IssueFailure, PlacedOrder
from model.names import CertificateHost
from model.transparency import AskedFor, Renewal

# What may be ordered now is issued by then at the latest, and so is what was ordered without anybody knowing what came
# of it; a date that is given counts from there.
UNDER_WAY = timedelta(hours=1)
NOBODY_ASKED = "nobody is asked for a certificate, because "


@dataclass(frozen=True)
class Known:
    """What is known of the certificates, and of those that one authority issued."""

    records: Mapping[CertificateHost, CertificateRecord]
    asked: Sequence[AskedFor | PlacedOrder]
    directory: str

    def issued(self) -> Iterator[Issued]:
        """What counts against the limits; of what an older flstr noted it is not known."""
        for one in _of(self.directory, self.asked):
            if one.names and one.at is not None:
                at = one.at + UNDER_WAY if isinstance(one, PlacedOrder) else one.at
                yield Issued(frozenset(one.names), at, one.renewal)

    def failed(self) -> Iterator[FailedAuthorisation]:
        """Attempts in vain, each as if the authority had looked: that is never too few."""
        for name, record in self.records.items():
            failure = record.failure
            if failure is not None:
                times = failure.before if failure.over_budget else (*failure.before, failure.at)
                yield from (FailedAuthorisation(name, at) for at in times)

    def renewal(self, name: CertificateHost, now: datetime) -> Renewal:
        """As what an order for a name would count."""
        record = self.records.get(name)
        issued = None if record is None else record.issued
        if issued is not None and issued.directory == self.directory and named_by_ari(issued, now):
            return "same names" if self._was_replaced(issued) else "ari"
        return repetition([name], self.asked, issued, self.directory)

    def is_ordered(self, name: CertificateHost) -> bool:
        """Whether the next attempt for a name goes on with an order, which counts already."""
        return any(isinstance(one, PlacedOrder) and one.names == (name,) for one in _of(self.directory, self.asked))

    def _was_replaced(self, issued: IssuedCertificate) -> bool:
        """Whether its authority has issued for the same names since, whatever became of that: of each certificate it
        exempts one replacement only."""
        names, since = exact_set(issued.names), issued.issued_at
        return any(
            one.at is not None and one.at > since and exact_set(one.names) == names
            for one in _of(self.directory, self.asked)
        )


def repetition(
    names: Iterable[CertificateHost],
    asked: Iterable[AskedFor | PlacedOrder],
    issued: IssuedCertificate | None,
    directory: str,
) -> Renewal:
    """Whether an authority has issued for exactly these names before: what is noted of that, or the certificate
    itself, says so."""
    wanted = exact_set(names)
    if issued is not None and issued.directory == directory and exact_set(issued.names) == wanted:
        return "same names"
    # Of an order it is not known whether anything was issued: that it counts less is said of what was.
    had = (one for one in _of(directory, asked) if isinstance(one, AskedFor))
    return "same names" if any(exact_set(one.names) == wanted for one in had) else "no"


def _of(directory: str, asked: Iterable[AskedFor | PlacedOrder]) -> Iterator[AskedFor | PlacedOrder]:
    return (one for one in asked if one.directory in ("", directory))


@dataclass(frozen=True)
class Rationed:
    """Who gets a certificate now, and who has to wait until when."""

    granted: tuple[CertificateHost, ...]
    refused: Mapping[CertificateHost, LimitReached]


def over_budget(name: CertificateHost, limit: LimitReached, now: datetime) -> IssueFailure:
    """How it is noted that nobody is asked for a certificate until a date."""
    sentence = f"{name}: {NOBODY_ASKED}{limit.sentence}"
    return IssueFailure(sentence=sentence, at=now, retry_at=limit.until, over_budget=True)


def told_limit(record: CertificateRecord, now: datetime) -> LimitReached | None:
    """What was noted so, until the date has come."""
    failure = record.failure
    if failure is None or not failure.over_budget or failure.retry_at is None or failure.retry_at <= now:
        return None
    return LimitReached(failure.sentence.removeprefix(f"{record.name}: {NOBODY_ASKED}"), failure.retry_at)


def limit_of(name: CertificateHost, known: Known, now: datetime) -> LimitReached | None:
    """Why no certificate can be had for a name now, by what was issued already."""
    return _limit_of(name, known, tuple(known.issued()), tuple(known.failed()), now)


def _limit_of(
    name: CertificateHost,
    known: Known,
    issued: Sequence[Issued],
    failed: Sequence[FailedAuthorisation],
    now: datetime,
) -> LimitReached | None:
    if known.is_ordered(name):
        return None
    return limit_reached([name], issued, failed, now, known.renewal(name, now))


def ration(
    wanted: Iterable[CertificateHost], known: Known, now: datetime, under_way: Collection[CertificateHost] = ()
) -> Rationed:
    """Give out what the limits leave, in the order in which it is wanted. Certificates that are `under_way`, and those
    given out before, count as issued."""
    issued, failed = list(known.issued()), tuple(known.failed())

    def count(name: CertificateHost) -> None:
        if not known.is_ordered(name):
            issued.append(Issued(frozenset({name}), now + UNDER_WAY, known.renewal(name, now)))

    for name in sorted(under_way):
        count(name)
    granted: list[CertificateHost] = []
    refused: dict[CertificateHost, LimitReached] = {}
    for name in wanted:
        limit = _limit_of(name, known, issued, failed, now)
        if limit is None:
            granted.append(name)
            count(name)
        else:
            refused[name] = limit
    return Rationed(tuple(granted), refused)
