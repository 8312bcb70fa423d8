"""What a backup is called, and which of them stay. Pure.

A name says all that is to be known before it is fetched: the cluster, when it was made, etcd's revision, and the size
and SHA-256 of what is kept. Names of one cluster sort by time. What was cut short is told from its size.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from model.names import ClusterName

TIME = "%Y%m%dT%H%M%SZ"

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
        at = self.at.astimezone(UTC).strftime(TIME)
        return f"{self.cluster}.{at}.r{self.revision}.{self.size}.{self.digest}.etcd.age"


def parse(name: str) -> BackupName | None:
    """What a name says; None of what is no backup, such as one that is still being written."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        at = datetime.strptime(match["at"], TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return BackupName(match["cluster"], at, int(match["revision"]), int(match["size"]), match["digest"])


def of_cluster(names: Iterable[str], cluster: ClusterName) -> tuple[BackupName, ...]:
    """The backups of a cluster among all that is kept in a place, newest first; nothing else is ever touched."""
    found = (parse(name) for name in names)
    mine = [one for one in found if one is not None and one.cluster == cluster]
    return tuple(sorted(mine, key=lambda one: (one.at, one.revision, one.digest), reverse=True))


def superfluous(names: Iterable[str], new: BackupName, keep: int) -> tuple[BackupName, ...]:
    """The backups that go once `new` is safely kept: all but the newest, of which the new one is one whatever its
    clock said."""
    others = [one for one in of_cluster(names, new.cluster) if one != new]
    return tuple(others[keep - 1 :])
