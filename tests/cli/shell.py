"""What came of a command that a person typed."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


Flstr = Callable[..., Done]


def refused(done: Done, status: int) -> str:
    """The one sentence of a command that was refused."""
    assert done.status == status, done.err
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert line.startswith("flstr: ")
    return line.removeprefix("flstr: ")
