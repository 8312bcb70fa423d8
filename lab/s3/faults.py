"""Faults: what the next answers shall suffer, as object storage makes its users suffer."""

from dataclasses import dataclass, field
from typing import Literal

from lab.cloud.bodies import Body


class Fault(Body):
    """The next `times` requests of a method.

    slow_down: 503 SlowDown, nothing is done; lost: it is done, and the answer never comes; internal: 500 InternalError;
    cut: half of an object's bytes come, then the connection ends.
    """

    kind: Literal["slow_down", "lost", "internal", "cut"]
    method: Literal["GET", "PUT", "DELETE", "HEAD", "*"] = "*"
    times: int = 1


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

    def take(self, method: str) -> Fault | None:
        """The first fault planned for a method, used up by one."""
        for planned in self._planned:
            if planned.fault.method in (method, "*"):
                planned.left -= 1
                if not planned.left:
                    self._planned.remove(planned)
                return planned.fault
        return None
