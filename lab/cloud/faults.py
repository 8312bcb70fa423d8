"""Faults: what the next requests shall suffer, as the real API makes its users suffer."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from lab.cloud.bodies import Body
from lab.cloud.errors import ApiError


class Fault(Body):
    """The next `times` calls of `method` on a path like `path` (`*` stands for anything, `/` too; without `/v1`).

    error: refused, nothing done; lost_answer: carried out, then the connection is reset; slow: `seconds` late.
    """

    kind: Literal["error", "lost_answer", "slow"]
    method: str = "*"
    path: str = "*"
    times: int = 1
    code: str = "service_error"
    message: str = "the lab was told to fail"
    status: int | None = None
    seconds: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        return fnmatchcase(method, self.method.upper()) and fnmatchcase(path, self.path)

    def error(self) -> ApiError:
        return ApiError(self.code, self.message, status=self.status)


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

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault planned for this call, used up by one."""
        for planned in self._planned:
            if planned.fault.matches(method, path):
                planned.left -= 1
                if not planned.left:
                    self._planned.remove(planned)
                return planned.fault
        return None
