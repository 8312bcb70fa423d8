"""Faults: what the next answers shall suffer, as object storage makes its users suffer."""

from typing import Literal

from lab.planned_faults import PlannedFaults, TimedFault


class Fault(TimedFault):
    """The next `times` requests of a method.

    slow_down: 503 SlowDown, nothing is done; lost: it is done, and the answer never comes; internal: 500 InternalError;
    cut: half of an object's bytes come, then the connection ends.
    """

    kind: Literal["slow_down", "lost", "internal", "cut"]
    method: Literal["GET", "PUT", "DELETE", "HEAD", "*"] = "*"


class Faults(PlannedFaults[Fault]):
    def take(self, method: str) -> Fault | None:
        """The first fault planned for a method, used up by one."""
        return self.take_first(lambda fault: fault.method in (method, "*"))
