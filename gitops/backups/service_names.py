"""What a backup of a service is called, and which of them stay. Pure.

A name says whose data it is, when it was made, and the size and SHA-256 of what is kept. It is never that of a copy of
etcd, nor the other way round.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from gitops.backups.names import made_at, past_keeping, time_in_name
from model.names import AppName, ClusterName

_NAME = re.compile(
    r"(?P<cluster>[a-z0-9-]+)\.service-(?P<service>[a-z0-9-]+)\.(?P<at>[0-9]{8}T[0-9]{6}Z)\.(?P<size>[0-9]{1,15})"
    r"\.(?P<digest>[0-9a-f]{64})\.service\.age"
)


@dataclass(frozen=True)
class ServiceBackup:
    """One backup; `size` and `digest` are of its encrypted bytes."""

    cluster: ClusterName
    service: AppName
    at: datetime
    size: int
    digest: str

    def __str__(self) -> str:
        at = time_in_name(self.at)
        return f"{self.cluster}.service-{self.service}.{at}.{self.size}.{self.digest}.service.age"


def parse(name: str) -> ServiceBackup | None:
    """What a name says; None of what is no backup of a service."""
    match = _NAME.fullmatch(name)
    at = made_at(match)
    if match is None or at is None:
        return None
    return ServiceBackup(match["cluster"], match["service"], at, int(match["size"]), match["digest"])


def asked_for_again(name: str, at: datetime) -> str:
    """How the field `restored` names a backup that it named before: the same data, of what was written since."""
    return f"{name}@{time_in_name(at)}"


def without_asking(restored: str) -> str:
    """The name of the backup that the field `restored` means, however often it was asked for."""
    return restored.partition("@")[0]


def of_service(names: Iterable[str], cluster: ClusterName, service: AppName) -> tuple[ServiceBackup, ...]:
    """The backups of a service among all that is kept in a place, newest first."""
    found = (parse(name) for name in names)
    mine = [one for one in found if one is not None and (one.cluster, one.service) == (cluster, service)]
    return tuple(sorted(mine, key=lambda one: (one.at, one.digest), reverse=True))


def services_in(names: Iterable[str], cluster: ClusterName) -> frozenset[AppName]:
    """The services of a cluster of which there is a backup, whether or not they are still there themselves."""
    found = (parse(name) for name in names)
    return frozenset(one.service for one in found if one is not None and one.cluster == cluster)


def superfluous(
    names: Iterable[str], new: ServiceBackup, keep: int, spared: Collection[str] = ()
) -> tuple[ServiceBackup, ...]:
    """The backups of that service that go once `new` is safely kept; those that are `spared`, by their names, stay."""
    old = past_keeping(of_service(names, new.cluster, new.service), new, keep)
    return tuple(one for one in old if str(one) not in spared)
