"""What a backup is called, and which of them stay. Pure.

A name says all that is to be known before it is fetched: the cluster, when it was made, etcd's revision, and the size
and SHA-256 of what is kept. Names of one cluster sort by time. What was cut short is told from its size.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from model.names import ClusterName

Name = TypeVar("Name")

_TIME = "%Y%m%dT%H%M%SZ"

_NAME = re.compile(
    r"(?P<cluster>[a-z0-9-]+)\.(?P<at>[0-9]{8}T[0-9]{6}Z)\.r(?P<revision>[0-9]{1,19})\.(?P<size>[0-9]{1,15})"
    r"\.(?P<digest>[0-9a-f]{64})\.etcd\.age"
)


@dataclass(frozen=True)
class BackupName:
    """One backup; `size` and `digest` are of its encrypted bytes."""

    cluster: ClusterName
    at: datetime
    revision: int
    size: int
    digest: str

    def __str__(self) -> str:
        return f"{self.cluster}.{time_in_name(self.at)}.r{self.revision}.{self.size}.{self.digest}.etcd.age"


def parse(name: str) -> BackupName | None:
    """What a name says; None of what is no backup, such as one that is still being written."""
    match = _NAME.fullmatch(name)
    at = made_at(match)
    if match is None or at is None:
        return None
    return BackupName(match["cluster"], at, int(match["revision"]), int(match["size"]), match["digest"])


def of_cluster(names: Iterable[str], cluster: ClusterName) -> tuple[BackupName, ...]:
    """The backups of a cluster among all that is kept in a place, newest first; nothing else is ever touched."""
    found = (parse(name) for name in names)
    mine = [one for one in found if one is not None and one.cluster == cluster]
    return tuple(sorted(mine, key=lambda one: (one.at, one.revision, one.digest), reverse=True))


def superfluous(names: Iterable[str], new: BackupName, keep: int) -> tuple[BackupName, ...]:
    """The backups of that cluster that go once `new` is safely kept."""
    return past_keeping(of_cluster(names, new.cluster), new, keep)


def time_in_name(at: datetime) -> str:
    """When a backup was made, as its name says it: such as `20261125T041500Z`."""
    return at.astimezone(UTC).strftime(_TIME)


def made_at(match: re.Match[str] | None) -> datetime | None:
    """The time that a name says as its group `at`; None if that is no time."""
    try:
        return None if match is None else datetime.strptime(match["at"], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def past_keeping(newest_first: Iterable[Name], new: Name, keep: int) -> tuple[Name, ...]:
    """All but the newest, of which the new one is one whatever its clock said."""
    others = [one for one in newest_first if one != new]
    return tuple(others[keep - 1 :])
