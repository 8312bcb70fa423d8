"""The verbs that list what there is: nodes, apps, services."""

from dataclasses import dataclass

from gitops import describe_fleet
from gitops.backups.service_notes import read_note
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.verbs.desk import Request


@dataclass(frozen=True)
class Fleet:
    """Answers from etcd alone."""

    registry: Registry
    operations: Operations

    def nodes(self, request: Request) -> str:
        """`nodes`."""
        return describe_fleet.nodes(request.cluster, self.registry.read(), self.operations.unended())

    def apps(self, _: Request) -> str:
        """`apps`."""
        return describe_fleet.apps(self.registry.read(), self.operations.unended())

    def services(self, _: Request) -> str:
        """`services`."""
        registered = self.registry.read()
        notes = {name: read_note(self.registry.store, name) for name in registered.services}
        return describe_fleet.services(registered, self.operations.unended(), notes)
