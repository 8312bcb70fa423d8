"""The verbs that only look: status, plan and padlock."""

from collections.abc import Callable
from dataclasses import dataclass

from gitops import describe
from gitops.executor import HostChecks
from gitops.operations import Operations
from gitops.plan import plan
from gitops.registry import Registry
from gitops.repository import ClusterRepo
from gitops.revisions import Revisions
from gitops.verbs.desk import Request, did_you_mean
from model.errors import Refused
from model.operation import SyncState


@dataclass(frozen=True)
class Look:
    """Answers from etcd, Git and the outside; changes nothing."""

    registry: Registry
    revisions: Revisions
    operations: Operations
    state: Callable[[], SyncState]
    checks: HostChecks

    def status(self, request: Request) -> str:
        """`status [app or node]`."""
        registered, operations = self.registry.read(), self.operations.all()
        if not request.intent.arguments:
            return describe.status(request.cluster, registered, operations, self.state())
        name = request.intent.arguments[0]
        apps = {app: record for (_, app), record in registered.apps.items()}
        if name in apps:
            return describe.app(name, apps[name])
        if name in registered.nodes:
            return describe.node(registered.nodes[name], registered)
        raise Refused(f"There is no app or node called {name}.{did_you_mean(name, [*apps, *registered.nodes])}")

    def plan(self, _: Request) -> str:
        """`plan`."""
        repo: ClusterRepo = self.revisions.repo
        head = repo.head()
        repo.fetch()
        return describe.plans(head[:8], plan(self.revisions.manifests(head), self.registry.read()))

    def padlock(self, request: Request) -> str:
        """`padlock <host>`."""
        return self.checks["padlock"](request.intent.arguments, self.registry)
