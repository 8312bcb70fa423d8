"""Issuances as they may have been logged."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from model.transparency import CertificateId, Issuance, Issuer, Logged

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ISSUERS = {
    "R11": Issuer(organisation="Let's Encrypt", common_name="R11"),
    "rogue": Issuer(organisation="Rogue & Sons, Ltd", common_name="Rogue Issuing CA 1"),
    "pebble": Issuer(organisation="", common_name="Pebble Intermediate CA 3fc1e2"),
    "other": Issuer(organisation="Other Trust", common_name="Other Trust CA"),
}


def issuance(
    *names: str, by: str = "R11", days: float = 1, life: float = 90, serial: str = "1", now: datetime = NOW
) -> Issuance:
    """One that began so many days ago, and is good for so many."""
    begins = now - days * DAY
    return Issuance(
        id=CertificateId(issuer=ISSUERS[by], serial=serial.lstrip("0")),
        names=tuple(sorted(names)),
        not_before=begins,
        not_after=begins + life * DAY,
    )


def logged(*issuances: Issuance, at: datetime = NOW, domain: str = "example.com") -> Logged:
    """A good answer of crt.sh."""
    return Logged(domain=domain, source="crt.sh", at=at, issuances=issuances)


class InMemory:
    """Keeps what etcd would."""

    def __init__(self, *kept: Logged) -> None:
        self.kept = {one.domain: one for one in kept}

    def last(self, domain: str) -> Logged | None:
        return self.kept.get(domain)

    def keep(self, logged: Logged) -> None:
        self.kept[logged.domain] = logged

    def forget_all_but(self, domains: Sequence[str]) -> None:
        self.kept = {domain: one for domain, one in self.kept.items() if domain in domains}
