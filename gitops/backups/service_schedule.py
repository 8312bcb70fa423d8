"""Services that are backed up by the clock: each time an operation, as by somebody's `service backup`."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from gitops.backups.service_making import ServiceBackups
from gitops.backups.service_notes import change_note, read_note
from gitops.failover import BY_ITSELF
from gitops.registry import Registry
from gitops.schedules import last_moment
from model.backups import ServiceBackupRecord
from model.cluster import Cluster
from model.errors import Refused
from model.names import AppName
from model.service import Service

log = structlog.get_logger()


@dataclass(frozen=True)
class ServiceSchedule:
    """Begins the backups that are due; `wanted` are the services as the manifests say them.

    Only a leader may look, for its registry's store has the fence.
    """

    registry: Registry
    backups: ServiceBackups
    wanted: Callable[[], Mapping[AppName, Service]]
    clock: Callable[[], float] = time.time

    def look(self) -> None:
        """Begin one of each service where one is due. Of several that were missed one is made."""
        try:
            installed = self.registry.read().services
            cluster, wanted = self.registry.cluster(), self.wanted()
        except Refused as error:
            log.debug("no backup of a service is due", sentence=error.sentence)
            return
        for name, service in sorted(wanted.items()):
            # Before it serves, there is nothing of it to keep, and a backup that it is to begin with may not have come.
            serves = name in installed and None not in (installed[name].record, installed[name].meta_data)
            if serves and service.backup.at is not None and service.has_data:
                self._look(name, service.backup.at, cluster)

    def _look(self, name: AppName, line: str, cluster: Cluster) -> None:
        now, schedule = self.clock(), f"{line} {cluster.time_zone}"
        note = read_note(self.registry.store, name)
        if note.schedule != schedule:
            # What was due before anybody had written it is due no more.
            self._follow(name, schedule, now)
            return
        moment = last_moment(line, cluster.time_zone, _moment(note.followed), _moment(now))
        if moment is None:
            return
        operation, _ = self.backups.begin(name, BY_ITSELF)
        log.info("a backup of a service is due", service=name, operation=operation.id)
        self._follow(name, schedule, now)

    def _follow(self, name: AppName, schedule: str, now: float) -> None:
        def followed(before: ServiceBackupRecord) -> ServiceBackupRecord:
            return before.model_copy(update={"schedule": schedule, "followed": now})

        change_note(self.registry.store, name, followed)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
