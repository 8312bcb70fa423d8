"""Where backups are kept, as gitops knows it; `executors.backups` has the real ones."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from model.cluster import Backups


class Place(Protocol):
    """Files by their names. Every call raises `Unreadable` with one sentence where the place does not do as it should.

    What was not written as a whole has no name there.
    """

    def names(self) -> tuple[str, ...]:
        """Everything that is there."""
        ...

    def put(self, name: str, file: Path) -> None:
        """Keep a file under a name, as a whole or not at all."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes that are kept under a name."""
        ...

    def remove(self, name: str) -> None:
        """Keep it no longer; one that is gone is no fault."""
        ...


# The place that a manifest names. Raises `Refused` where a setting for it is missing.
PlaceOf = Callable[[Backups], Place]
