"""What can be set on the lab's logs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CtSettings:
    """Cert Spotter's page and hourly limit without an account; both services forget nothing."""

    page_size: int = 100
    domains_per_hour: int = 10_000
