"""Backups of services: begun when somebody says so or when one is due, as operations like any other; listed, found."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from gitops.backups.place import PlaceOf
from gitops.backups.service_keeping import find, place_in
from gitops.backups.service_names import ServiceBackup, of_service, services_in
from gitops.dispatch import Dispatch
from gitops.operations import Operations
from gitops.plan.rollout import StepList
from gitops.registry import Registry
from model.cluster import Cluster
from model.errors import Refused
from model.locks import service_lock
from model.names import AppName
from model.operation import Operation, Origin
from model.service import Service
from model.service_steps import BackUpService
from model.steps import Plan


@dataclass(frozen=True)
class ServiceBackups:
    """What is to be had of the backups of services. Only a leader may begin one, for its store has the fence.

    `revision` is that of the cluster repo which was accepted last; `wake` has the worker look.
    """

    registry: Registry
    operations: Operations
    dispatch: Dispatch
    place_of: PlaceOf
    revision: Callable[[], str]
    wake: Callable[[], None]
    clock: Callable[[], float] = time.time

    def begin(self, service: AppName, origin: Origin) -> tuple[Operation, bool]:
        """The operation that makes one, and whether it is new: one that is under way is not made twice."""
        with self.dispatch.deciding:
            found = self.under_way(service)
            if found is not None:
                return found, False
            operation = self.operations.create(back_up_plan(service), self.revision(), origin)
        self.wake()
        return operation, True

    def under_way(self, service: AppName) -> Operation | None:
        """The operation that makes one now, or is to."""
        lock = service_lock(service)
        mine = (one for one in self.operations.under_way() if lock in one.plan.locks)
        return next((one for one in mine if _is_backup(one)), None)

    def of(self, cluster: Cluster, service: AppName) -> tuple[ServiceBackup, ...]:
        """Those of a service, newest first. Raises `Refused` where they cannot be read."""
        return of_service(place_in(cluster, self.place_of).names(), cluster.cluster, service)

    def kept_of(self, cluster: Cluster) -> frozenset[AppName]:
        """The services of which there is one. Raises `Refused` where they cannot be read."""
        return services_in(place_in(cluster, self.place_of).names(), cluster.cluster)

    def find(self, cluster: Cluster, service: AppName, name: str = "") -> ServiceBackup:
        """The one that is meant by its name or how that begins, the newest without. Raises `Refused`."""
        return find(place_in(cluster, self.place_of), cluster, service, name)


def back_up_plan(service: AppName) -> Plan:
    """Copy a service's data away."""
    steps, title = StepList(), f"back up {service}"
    steps.add("back-up", title, BackUpService(service=service))
    return Plan(title=title, steps=steps.all(), locks=(service_lock(service),))


def check_keeps_data(service: Service) -> None:
    """Raise `Refused` for a service of which flstr knows no data."""
    if not service.has_data:
        raise Refused(
            f"{service.service} has no data as its manifest has it; where {service.playbook} backs some up, write "
            "keeps_data: true"
        )


def _is_backup(operation: Operation) -> bool:
    return [planned.step.kind for planned in operation.plan.steps] == ["service.back_up"]
