"""Issuances put together: each counts once, however often and by whomever it was told. Pure."""

from collections.abc import Iterable

from model.transparency import CertificateId, Issuance


def merged(issuances: Iterable[Issuance]) -> tuple[Issuance, ...]:
    """One for each id, newest first: with all names that were told of it, and the earliest time that it was logged."""
    found: dict[CertificateId, Issuance] = {}
    for one in issuances:
        before = found.get(one.id)
        found[one.id] = one if before is None else _together(before, one)
    return tuple(sorted(found.values(), key=lambda one: (one.not_before, one.names), reverse=True))


def _together(first: Issuance, second: Issuance) -> Issuance:
    times = [one.logged_at for one in (first, second) if one.logged_at is not None]
    names = tuple(sorted({*first.names, *second.names}))
    return first.model_copy(update={"names": names, "logged_at": min(times, default=None)})
