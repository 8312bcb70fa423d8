"""What a measurement gives: the seconds of each run, and what they are held against."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["flstr", "floor", "peer"]


@dataclass(frozen=True)
class Figure:
    """How long something took, run by run, in seconds."""

    name: str
    seconds: tuple[float, ...]
    kind: Kind = "flstr"
    note: str = ""

    @property
    def median(self) -> float:
        """The middle run, or the mean of the two middle ones."""
        return statistics.median(self.seconds)

    def percentile(self, share: float) -> float:
        """The smallest run that `share` (0 to 1) of all runs do not exceed."""
        return sorted(self.seconds)[math.ceil(share * len(self.seconds)) - 1]


@dataclass(frozen=True)
class Group:
    """Figures that belong together, and what follows from them; the floor among them is what the others are divided
    by."""

    title: str
    figures: tuple[Figure, ...]
    conclusion: str = ""

    def times_floor(self, figure: Figure) -> float | None:
        """How many times the floor's median; None where there is no floor."""
        floor = next((one for one in self.figures if one.kind == "floor"), None)
        return None if floor is None or floor is figure else figure.median / floor.median


def timed(work: Callable[[], object], runs: int, before: Callable[[], object] = lambda: None) -> tuple[float, ...]:
    """The seconds of each of `runs` runs; `before` comes before each one, and is not counted."""
    seconds = []
    for _ in range(runs):
        before()
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return tuple(seconds)


def in_turn(works: Sequence[Callable[[], object]], runs: int) -> list[tuple[float, ...]]:
    """`timed` for several works, one run of each at a time: what else the machine does meets all of them alike."""
    rounds = [[timed(work, 1)[0] for work in works] for _ in range(runs)]
    return list(zip(*rounds, strict=True))
