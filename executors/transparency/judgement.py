"""What was logged against what flstr asked for, as findings with their mends. Pure."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from executors.findings import Level
from executors.transparency.budget_use import LETS_ENCRYPT, budget_findings, issued
from executors.transparency.finding import Finding
from executors.transparency.ours import Ours
from executors.transparency.shown import named, shown
from gitops.domains import stands_for
from model.transparency import CertificateId, Issuance, Issuer

# Renewal is due at two thirds of the lifetime, whatever the lifetime is.
OVERDUE = 1 / 4


def findings(
    ours: Ours,
    logged: Sequence[Issuance],
    asked: Collection[CertificateId],
    now: datetime,
    authority: str = LETS_ENCRYPT,
) -> list[Finding]:
    """What is not as it should be with our names in one registered domain, worst first.

    `logged` is newest first and may hold what is for other domains as well; `asked` are the certificates that flstr
    itself asked for. The limits are those of `authority`.
    """
    in_domain = [one for one in logged if ours.in_domain(one)]
    found = [
        *_not_asked_for(ours, [one for one in in_domain if one.id not in asked and ours.is_about(one)], now),
        *budget_findings(ours.domain, issued(in_domain, authority), now),
        *_not_renewed(ours, [one for one in in_domain if one.id in asked], now),
    ]
    return sorted(found, key=lambda finding: finding.level != "error")


def _not_asked_for(ours: Ours, logged: Sequence[Issuance], now: datetime) -> Iterator[Finding]:
    """One line for each authority and set of names: whoever renews does so again and again."""
    groups: dict[tuple[Issuer, tuple[str, ...]], list[Issuance]] = {}
    for one in logged:
        if one.not_after > now:
            groups.setdefault((one.id.issuer, one.names), []).append(one)
    for (issuer, names), found in groups.items():
        newest, level = found[0], _alarm(ours, found[0])
        certificates = "a certificate" if len(found) == 1 else f"{len(found)} certificates"
        newest_of = "" if len(found) == 1 else "the newest "
        text = (
            f"{shown(issuer.words)} issued {certificates} for {named(names)} that flstr did not ask for, "
            f"{newest_of}on {newest.not_before:%Y-%m-%d}, good until {newest.not_after:%Y-%m-%d}, "
            f"serial number {shown(newest.id.serial)}"
        )
        yield Finding(level, text, f"if nobody of yours did, have {shown(issuer.words)} revoke it; {_CAA}")


_CAA = "a CAA record says which authorities may issue"


def _alarm(ours: Ours, issuance: Issuance) -> Level:
    return "error" if ours.for_host(issuance) else "warning"


def _not_renewed(ours: Ours, asked: Sequence[Issuance], now: datetime) -> Iterator[Finding]:
    told: set[CertificateId] = set()
    for host in ours.hosts:
        mine = [one for one in asked if any(stands_for(name, host) for name in one.names)]
        last = max(mine, key=lambda one: one.not_after, default=None)
        if last is None or last.id in told:
            continue
        told.add(last.id)
        left, whose = last.not_after - now, f"the certificate for {named(last.names)}"
        mend = "see why its renewal fails"
        if left.total_seconds() <= 0:
            yield Finding("error", f"{whose} ended on {last.not_after:%Y-%m-%d}, and no newer one was logged", mend)
        elif left < (last.not_after - last.not_before) * OVERDUE:
            yield Finding("warning", f"{whose} ends in {left.days} days, and no newer one was logged", mend)
