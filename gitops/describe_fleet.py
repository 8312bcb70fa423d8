"""Machines, apps and services in words, as Slack mrkdwn. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from gitops import describe
from model.backups import ServiceBackupRecord
from model.cluster import Cluster
from model.locks import MACHINES, app_lock, service_lock
from model.names import AppName
from model.operation import Operation
from model.registered import Registered, RegisteredService

NO_BACKUPS: Mapping[AppName, ServiceBackupRecord] = MappingProxyType({})


def nodes(cluster: Cluster, registered: Registered, unended: Sequence[Operation]) -> str:
    """Every machine: its role and address, what runs there, what is wrong with it."""
    return "\n".join(["*Nodes*", *describe.node_lines(cluster, registered), *_under_way([MACHINES], unended)])


def apps(registered: Registered, unended: Sequence[Operation]) -> str:
    """Every app: the commits that run, where they do, and the addresses by which the public reaches it."""
    locks = [app_lock(name) for _, name in registered.apps]
    return "\n".join(["*Apps*", *describe.app_lines(registered), *_under_way(locks, unended)])


def services(
    registered: Registered,
    unended: Sequence[Operation] = (),
    backups: Mapping[AppName, ServiceBackupRecord] = NO_BACKUPS,
) -> str:
    """Every service with its instances, when it was last backed up, and the apps that need it."""
    lines = ["*Services*"]
    for name, line in zip(sorted(registered.services), describe.service_lines(registered), strict=True):
        needing = sorted(
            app for (_, app), record in registered.apps.items() if record.stable and name in record.stable.app.needs
        )
        backed_up = f"{when}, " if (when := _backed_up(registered.services[name], backups.get(name))) else ""
        lines.append(f"{line}, {backed_up}needed by {', '.join(needing) or 'no app'}")
    locks = [service_lock(name) for name in registered.services]
    return "\n".join([*(lines if registered.services else [*lines, "none"]), *_under_way(locks, unended)])


def _backed_up(service: RegisteredService, note: ServiceBackupRecord | None) -> str:
    """When that was; empty of what holds no data that flstr backs up."""
    if service.record is None or not service.record.service.has_data:
        return ""
    if note is None or not note.at:
        return "not backed up yet"
    return f"backed up {datetime.fromtimestamp(note.at, UTC):%Y-%m-%d %H:%M} UTC"


def _under_way(locks: Sequence[str], unended: Sequence[Operation]) -> list[str]:
    found = [describe.operation_line(one) for one in unended if set(locks).intersection(one.plan.locks)]
    return ["", "*Operations*", *found] if found else []
