"""How many certificates Let's Encrypt still issues: what a plan of certificates asks before it orders any. Pure.

Let's Encrypt fills its limits up again a little at a time; flstr counts what lies in the running window instead. That
is never more than what is allowed, and its dates are never too early.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gitops.domains import plain_name, registered_domain
from model.transparency import Renewal

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
A_DOMAIN = 50
A_SET = 5
FAILURES = 5


@dataclass(frozen=True)
class Issued:
    """A certificate that was issued."""

    names: frozenset[str]
    at: datetime
    renewal: Renewal = "no"


@dataclass(frozen=True)
class FailedAuthorisation:
    """A name of which Let's Encrypt could not see that it is ours."""

    name: str
    at: datetime


@dataclass(frozen=True)
class LimitReached:
    """Why no certificate can be had for some names, and from when on it can."""

    sentence: str
    until: datetime


def limit_reached(
    wanted: Iterable[str],
    issued: Sequence[Issued],
    failed: Sequence[FailedAuthorisation],
    now: datetime,
    renewal: Renewal = "no",
) -> LimitReached | None:
    """None where a certificate for exactly these names may be ordered now; of several limits, the one that ends last.

    `issued` and `failed` may hold more than the windows; what is older does not count.
    """
    if renewal == "ari":
        return None
    reached = list(_reached(exact_set(wanted), issued, failed, now, renewal))
    return max(reached, key=lambda limit: limit.until, default=None)


def _reached(
    names: frozenset[str],
    issued: Sequence[Issued],
    failed: Sequence[FailedAuthorisation],
    now: datetime,
    renewal: Renewal,
) -> Iterator[LimitReached]:
    if renewal == "no":
        for domain in sorted({registered_domain(name) for name in names}):
            until = free_from(of_domain(domain, issued, now), A_DOMAIN, WEEK)
            if until is not None:
                yield LimitReached(f"{domain} has had its {A_DOMAIN} new certificates in 7 days{_from(until)}", until)
    until = free_from(of_set(names, issued, now), A_SET, WEEK)
    if until is not None:
        yield LimitReached(f"{_listed(names)} had {A_SET} certificates in 7 days{_from(until)}", until)
    for name in sorted(names):
        until = free_from(_failures(name, failed, now), FAILURES, HOUR)
        if until is not None:
            yield LimitReached(f"{name} could not be authorised {FAILURES} times in an hour{_from(until)}", until)


def exact_set(names: Iterable[str]) -> frozenset[str]:
    """The names of a certificate as they are compared: order, case and repetition say nothing."""
    return frozenset(map(plain_name, names))


def of_domain(domain: str, issued: Iterable[Issued], now: datetime) -> list[datetime]:
    """When certificates were issued that count against a registered domain, within its window, oldest first."""
    counted = (one for one in issued if one.renewal == "no" and domain in map(registered_domain, one.names))
    return _within([one.at for one in counted], WEEK, now)


def of_set(names: frozenset[str], issued: Iterable[Issued], now: datetime) -> list[datetime]:
    """When certificates were issued that count against an exact set of names, within its window, oldest first."""
    counted = (one for one in issued if one.renewal != "ari" and exact_set(one.names) == names)
    return _within([one.at for one in counted], WEEK, now)


def free_from(used: Sequence[datetime], most: int, window: timedelta) -> datetime | None:
    """When one more is allowed, of times within the window, oldest first; None where it is now."""
    return None if len(used) < most else used[len(used) - most] + window


def _failures(name: str, failed: Iterable[FailedAuthorisation], now: datetime) -> list[datetime]:
    # What is authorised for a star is the name behind it.
    wanted = name.removeprefix("*.")
    return _within([one.at for one in failed if plain_name(one.name).removeprefix("*.") == wanted], HOUR, now)


def _within(times: Iterable[datetime], window: timedelta, now: datetime) -> list[datetime]:
    return sorted(at for at in times if now - at < window)


def _from(until: datetime) -> str:
    return f"; the next one can be had from {until:%Y-%m-%d %H:%M:%S} UTC"


def _listed(names: frozenset[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more names" if len(shown) > 3 else "")
