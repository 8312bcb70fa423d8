"""What is planned to go wrong with the next requests to a service of the lab, in order, each so many times."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lab.cloud.bodies import Body


class TimedFault(Body):
    """A fault that the next `times` requests which it is for suffer."""

    times: int = 1


F = TypeVar("F", bound=TimedFault)


@dataclass
class _Planned(Generic[F]):
    fault: F
    left: int


@dataclass
class PlannedFaults(Generic[F]):
    _planned: list[_Planned[F]] = field(default_factory=list)

    def plan(self, fault: F) -> None:
        self._planned.append(_Planned(fault, fault.times))

    def clear(self) -> None:
        self._planned.clear()

    def planned(self) -> list[F]:
        return [planned.fault.model_copy(update={"times": planned.left}) for planned in self._planned]

    def take_first(self, is_for: Callable[[F], bool]) -> F | None:
        """The first fault that is for a request, used up by one."""
        for planned in self._planned:
            if is_for(planned.fault):
                planned.left -= 1
                if not planned.left:
                    self._planned.remove(planned)
                return planned.fault
        return None
