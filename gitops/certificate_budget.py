"""Which certificates may be ordered now, by what flstr itself has asked for; for the others, from when on. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gitops.issuance_budget import FailedAuthorisation, Issued, LimitReached, exact_set, limit_reached
from gitops.renewal import named_by_ari
from model.certificates import CertificateRecord, IssuedCertificate, IssueFailure
from model.names import CertificateHost
from model.transparency import AskedFor, Renewal

# What may be ordered now is issued by then at the latest; a date that is given counts from there.
UNDER_WAY = timedelta(hours=1)
NOBODY_ASKED = "nobody is asked for a certificate, because "


@dataclass(frozen=True)
class Known:
    """What is known of the certificates, and of those that one authority issued."""

    records: Mapping[CertificateHost, CertificateRecord]
    asked: Sequence[AskedFor]
    directory: str

    def issued(self) -> Iterator[Issued]:
        """What counts against the limits; of what an older flstr noted it is not known."""
        for one in _of(self.directory, self.asked):
            if one.names and one.at is not None:
                yield Issued(frozenset(one.names), one.at, one.renewal)

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
            return "ari"
        return repetition([name], self.asked, issued, self.directory)


def repetition(
    names: Iterable[CertificateHost], asked: Iterable[AskedFor], issued: IssuedCertificate | None, directory: str
) -> Renewal:
    """Whether an authority has issued for exactly these names before: what is noted of that, or the certificate
    itself, says so."""
    wanted = exact_set(names)
    if issued is not None and issued.directory == directory and exact_set(issued.names) == wanted:
        return "same names"
    return "same names" if any(exact_set(one.names) == wanted for one in _of(directory, asked)) else "no"


def _of(directory: str, asked: Iterable[AskedFor]) -> Iterator[AskedFor]:
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
    return limit_reached([name], tuple(known.issued()), tuple(known.failed()), now, known.renewal(name, now))


def ration(
    wanted: Iterable[CertificateHost], known: Known, now: datetime, under_way: Collection[CertificateHost] = ()
) -> Rationed:
    """Give out what the limits leave, in the order in which it is wanted. Certificates that are `under_way`, and those
    given out before, count as issued."""
    issued, failed = list(known.issued()), tuple(known.failed())

    def count(name: CertificateHost) -> None:
        issued.append(Issued(frozenset({name}), now + UNDER_WAY, known.renewal(name, now)))

    for name in sorted(under_way):
        count(name)
    granted: list[CertificateHost] = []
    refused: dict[CertificateHost, LimitReached] = {}
    for name in wanted:
        limit = limit_reached([name], issued, failed, now, known.renewal(name, now))
        if limit is None:
            granted.append(name)
            count(name)
        else:
            refused[name] = limit
    return Rationed(tuple(granted), refused)
