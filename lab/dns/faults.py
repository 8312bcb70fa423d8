"""Faults: what the next queries shall suffer, as real name servers make their users suffer."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from lab.cloud.bodies import Body


class DnsFault(Body):
    """The next `times` queries for a name and type like these (`*` stands for anything), by UDP or TCP.

    servfail: refused with SERVFAIL; slow: answered, `seconds` late; silence: no answer at all.
    """

    kind: Literal["servfail", "slow", "silence"]
    name: str = "*"
    type: str = "*"
    times: int = 1
    seconds: float = 1.0

    def matches(self, name: str, kind: str) -> bool:
        return fnmatchcase(name, self.name.lower()) and fnmatchcase(kind, self.type.upper())


@dataclass
class _Planned:
    fault: DnsFault
    left: int


@dataclass
class DnsFaults:
    _planned: list[_Planned] = field(default_factory=list)

    def plan(self, fault: DnsFault) -> None:
        self._planned.append(_Planned(fault, fault.times))

    def clear(self) -> None:
        self._planned.clear()

    def planned(self) -> list[DnsFault]:
        return [planned.fault.model_copy(update={"times": planned.left}) for planned in self._planned]

    def take(self, name: str, kind: str) -> DnsFault | None:
        """The first fault planned for this query, used up by one."""
        for planned in self._planned:
            if planned.fault.matches(name, kind):
                planned.left -= 1
                if not planned.left:
                    self._planned.remove(planned)
                return planned.fault
        return None
