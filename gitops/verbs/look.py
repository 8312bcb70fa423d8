"""The verbs that look: status, plan, logs, env, graph, padlock, crtsh, and doctor, which mends where it is told to."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from gitops import describe
from gitops.certificate_budget import Known
from gitops.certificates import read_history
from gitops.describe_certificates import refusals
from gitops.executor import HostChecks
from gitops.gate import names
from gitops.operations import Operations
from gitops.plan import plan
from gitops.registry import Registry
from gitops.renewals import utc_now
from gitops.repository import ClusterRepo
from gitops.revisions import Revisions
from gitops.rights import holders
from gitops.verbs.desk import Request, did_you_mean
from model.attachment import Reply
from model.errors import Refused
from model.operation import SyncState
from model.verbs import FIX


@dataclass(frozen=True)
class Look:
    """Answers from etcd, Git and the outside; changes nothing of what is desired or registered.

    `directory` is that of the certificate authority.
    """

    registry: Registry
    revisions: Revisions
    operations: Operations
    state: Callable[[], SyncState]
    checks: HostChecks
    at_rest: Callable[[], AbstractContextManager[bool]]
    directory: str = ""
    clock: Callable[[], datetime] = utc_now

    def status(self, request: Request) -> str:
        """`status [app or node]`."""
        registered, operations = self.registry.read(), self.operations.all()
        if not request.intent.arguments:
            return describe.status(request.cluster, registered, operations, self.state(), self.clock())
        name = request.intent.arguments[0]
        apps = {app: record for (_, app), record in registered.apps.items()}
        if name in apps:
            return describe.app(name, apps[name])
        if name in registered.nodes:
            return describe.node(registered.nodes[name], registered, request.cluster)
        raise Refused(f"There is no app or node called {name}.{did_you_mean(name, [*apps, *registered.nodes])}")

    def plan(self, _: Request) -> str:
        """`plan`."""
        repo: ClusterRepo = self.revisions.repo
        head = repo.head()
        repo.fetch()
        manifests, registered = self.revisions.manifests(head), self.registry.read()
        known = Known(registered.certificates, read_history(self.registry.store), self.directory)
        refused = refusals(manifests, registered, known, self.clock())
        return describe.plans(head[:8], plan(manifests, registered), refused)

    def graph(self, _: Request) -> str | Reply:
        """`graph`."""
        return self.checks["graph"]((), self.registry)

    def padlock(self, request: Request) -> str | Reply:
        """`padlock [host]`."""
        return self.checks["padlock"](request.intent.arguments, self.registry)

    def crtsh(self, request: Request) -> str | Reply:
        """`crtsh [host]`."""
        return self.checks["crtsh"](request.intent.arguments, self.registry)

    def logs(self, request: Request) -> str | Reply:
        """`logs <app> [instance] [--build]`."""
        return self.checks["logs"](request.intent.arguments, self.registry)

    def env(self, request: Request) -> str | Reply:
        """`env <app> [instance]`."""
        return self.checks["env"](request.intent.arguments, self.registry)

    def doctor(self, request: Request) -> str | Reply:
        """`doctor [node] [--fix]`."""
        if FIX in request.intent.arguments:
            return self._mend(request)
        return self.checks["doctor"](request.intent.arguments, self.registry)

    def _mend(self, request: Request) -> str | Reply:
        cluster = request.cluster
        if "sync" not in request.may:
            raise Refused(f"You may not doctor {FIX}; {names(holders(cluster, 'sync'))} may.")
        with self.at_rest() as may_change:
            if not may_change:
                raise Refused(f"{self._under_way()} changes machines just now; say it again once that has ended.")
            return self.checks["doctor"](request.intent.arguments, self.registry)

    def _under_way(self) -> str:
        titles = [one.plan.title for one in self.operations.all() if one.status == "running"]
        return f"The operation '{titles[0]}'" if titles else "Another doctor"
