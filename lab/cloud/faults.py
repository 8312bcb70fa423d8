"""Faults: what the next requests shall suffer, as the real API makes its users suffer."""

from fnmatch import fnmatchcase
from typing import Literal

from lab.cloud.errors import ApiError
from lab.planned_faults import PlannedFaults, TimedFault


class Fault(TimedFault):
    """The next `times` calls of `method` on a path like `path` (`*` stands for anything, `/` too; without `/v1`).

    error: refused, nothing done; lost_answer: carried out, then the connection is reset; slow: `seconds` late.
    """

    kind: Literal["error", "lost_answer", "slow"]
    method: str = "*"
    path: str = "*"
    code: str = "service_error"
    message: str = "the lab was told to fail"
    status: int | None = None
    seconds: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        return fnmatchcase(method, self.method.upper()) and fnmatchcase(path, self.path)

    def error(self) -> ApiError:
        return ApiError(self.code, self.message, status=self.status)


class Faults(PlannedFaults[Fault]):
    def take(self, method: str, path: str) -> Fault | None:
        """The first fault planned for this call, used up by one."""
        return self.take_first(lambda fault: fault.matches(method, path))
