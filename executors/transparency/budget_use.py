"""What was logged, as it counts against Let's Encrypt's limits. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from executors.findings import Level
from executors.transparency.finding import Finding
from executors.transparency.shown import named, shown
from gitops.issuance_budget import A_DOMAIN, A_SET, WEEK, Issued, exact_set, free_from, of_domain, of_set
from model.transparency import Issuance, Issuer

LETS_ENCRYPT = "Let's Encrypt"
# Of a limit: from here on somebody should know.
NEAR = 0.8
# Let's Encrypt dates its certificates back by so much.
DATED_BACK = timedelta(hours=1)


def issued(logged: Iterable[Issuance], authority: str) -> list[Issued]:
    """What an authority issued, as it counts. A set of names that had a certificate before is a renewal, as far as
    can be told: whether one was ordered by ARI is in no log."""
    found: list[Issued] = []
    seen: set[frozenset[str]] = set()
    for one in sorted(logged, key=lambda one: one.not_before):
        if _is(one.id.issuer, authority):
            names = exact_set(one.names)
            found.append(Issued(names, _issued_at(one), "same names" if names in seen else "no"))
            seen.add(names)
    return found


def budget_findings(domain: str, counted: list[Issued], now: datetime) -> Iterator[Finding]:
    """The limits that are reached, or nearly."""
    yield from _limit(shown(domain), "new certificates", of_domain(domain, counted, now), A_DOMAIN)
    for names in sorted({one.names for one in counted if now - one.at < WEEK}, key=sorted):
        yield from _limit(
            named(sorted(names)), "certificates for exactly these names", of_set(names, counted, now), A_SET
        )


def _limit(whom: str, what: str, used: list[datetime], most: int) -> Iterator[Finding]:
    if len(used) < NEAR * most:
        return
    until = free_from(used, most, WEEK)
    level: Level = "warning" if until is None else "error"
    text = f"{len(used)} of {most} {what} in 7 days are used for {whom}"
    if until is None:
        yield Finding(level, text, "issue no more of them than has to be; renewals by ARI are not counted")
    else:
        mend = "wait until then; renewals by ARI are not counted"
        yield Finding(level, f"{text}, the next one can be had from {until:%Y-%m-%d %H:%M} UTC", mend)


def _is(issuer: Issuer, authority: str) -> bool:
    # An authority for tests, such as pebble, may have no organisation.
    return issuer.organisation == authority or (not issuer.organisation and issuer.common_name.startswith(authority))


def _issued_at(one: Issuance) -> datetime:
    return one.logged_at or one.not_before + DATED_BACK
