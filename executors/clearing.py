"""Everything that bears a cluster's label is given back; what cannot be does not keep the rest from going."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from executors.cloud_errors import CloudFailed
from executors.labelled import AFTER_SERVERS, Kind, Labelled, called
from model.errors import StepFailed
from model.names import NodeName


def give_back_all(labelled: Labelled, report: Callable[[str], object], own: NodeName = "") -> None:
    """Give everything back: servers, what they had, keys and groups; the server `own` last, once nothing else is left.

    Raises `StepFailed` that says of each thing that stays why. `own` stays as well then, to try them again.
    """
    servers = labelled.bound("server")
    mine = next((server for server in servers if server.name == own), None)
    clearing = _Clearing(labelled, report)
    standing = set[int]() if mine is None else {mine.id}
    for server in servers:
        if server is not mine and not clearing.gives_back("server", server):
            standing.add(server.id)
    others: tuple[Kind, ...] = (*AFTER_SERVERS, "ssh_key")
    for kind in others:
        clearing.give_back_each(kind, standing)
    clearing.drop_groups(last_one_stands=mine is not None)
    if clearing.failures:
        raise StepFailed("; ".join(clearing.failures))
    if mine is not None:
        report(f"giving server {own} back, which is this machine")
        labelled.give_back("server", mine.id, own)


@dataclass(frozen=True)
class _Clearing:
    """One go at everything; `failures` are sentences."""

    labelled: Labelled
    report: Callable[[str], object]
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """What fails inside is noted, and what comes after it is done all the same."""
        try:
            yield
        except StepFailed as error:
            self.failures.append(error.sentence)

    def gives_back(self, kind: Kind, one: Any) -> bool:
        """Whether it is gone now."""
        self.report(f"giving {called(kind)} {one.name} back")
        with self.going_on():
            self.labelled.give_back(kind, one.id, one.name or "")
            return True
        return False

    def give_back_each(self, kind: Kind, standing: set[int]) -> None:
        """All of a kind, but what goes with a server that stands."""
        with self.going_on():
            for one in self.labelled.bound(kind):
                if getattr(one, "assignee_id", None) not in standing:
                    self.gives_back(kind, one)

    def drop_groups(self, *, last_one_stands: bool) -> None:
        """A group is deleted once it is empty; a server is taken out of one while it runs.

        Should the cloud not have that of the last one, its group is left: it costs nothing, and the machine does.
        """
        with self.going_on():
            for group in self.labelled.bound("placement_group"):
                with self.going_on():
                    self._drop_group(group.id, last_one_stands)

    def _drop_group(self, number: int, last_one_stands: bool) -> None:
        try:
            self.labelled.give_back_group(number)
        except CloudFailed as error:
            # Without a code the cloud has not answered, and may have it when it is asked again.
            if not (last_one_stands and error.code):
                raise
