"""Faults: what the next answers shall suffer, as both services make their users suffer."""

from dataclasses import dataclass, field
from typing import Literal

from lab.cloud.bodies import Body

Service = Literal["crt.sh", "certspotter"]


class Fault(Body):
    """The next `times` answers of a service.

    bad_gateway: 502 from the server before it; too_many: 429, with Retry-After where `retry_after` is given;
    slow: `seconds` late; cut: half of the JSON; html: a page instead of JSON, with status 200; empty: no certificate.
    """

    kind: Literal["bad_gateway", "too_many", "slow", "cut", "html", "empty"]
    service: Service | Literal["*"] = "*"
    times: int = 1
    seconds: float = 60.0
    retry_after: int | None = None


@dataclass
class _Planned:
    fault: Fault
    left: int


@dataclass
class Faults:
    _planned: list[_Planned] = field(default_factory=list)

    def plan(self, fault: Fault) -> None:
        self._planned.append(_Planned(fault, fault.times))

    def clear(self) -> None:
        self._planned.clear()

    def planned(self) -> list[Fault]:
        return [planned.fault.model_copy(update={"times": planned.left}) for planned in self._planned]

    def take(self, service: Service) -> Fault | None:
        """The first fault planned for a service, used up by one."""
        for planned in self._planned:
            if planned.fault.service in (service, "*"):
                planned.left -= 1
                if not planned.left:
                    self._planned.remove(planned)
                return planned.fault
        return None
