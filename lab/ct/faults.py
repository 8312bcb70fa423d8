"""Faults: what the next answers shall suffer, as both services make their users suffer."""

from typing import Literal

from lab.planned_faults import PlannedFaults, TimedFault

Service = Literal["crt.sh", "certspotter"]


class Fault(TimedFault):
    """The next `times` answers of a service.

    bad_gateway: 502 from the server before it; too_many: 429, with Retry-After where `retry_after` is given;
    slow: `seconds` late; cut: half of the JSON; html: a page instead of JSON, with status 200; empty: no certificate.
    """

    kind: Literal["bad_gateway", "too_many", "slow", "cut", "html", "empty"]
    service: Service | Literal["*"] = "*"
    seconds: float = 60.0
    retry_after: int | None = None


class Faults(PlannedFaults[Fault]):
    def take(self, service: Service) -> Fault | None:
        """The first fault planned for a service, used up by one."""
        return self.take_first(lambda fault: fault.service in (service, "*"))
