"""The verbs that look: status, logs, env, graph, padlock, crtsh, and doctor, which mends where it is told to."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from gitops import describe
from gitops.backups.backups import read_record
from gitops.backups.due import status_line
from gitops.describe_controllers import controllers
from gitops.executor import HostChecks
from gitops.gate import names
from gitops.holds.rules import by, held_now, read_holds, suspended
from gitops.operations import Operations
from gitops.presence import present
from gitops.registry import Registry
from gitops.renewals import utc_now
from gitops.rights import holders
from gitops.verbs.desk import Request
from gitops.verbs.names import host_known_as, known_as
from model.attachment import Reply
from model.errors import Refused
from model.operation import SyncState
from model.verbs import FIX


@dataclass(frozen=True)
class Look:
    """Answers from etcd and the outside; changes nothing of what is desired or registered."""

    registry: Registry
    operations: Operations
    state: Callable[[], SyncState]
    checks: HostChecks
    at_rest: Callable[[], AbstractContextManager[bool]]
    clock: Callable[[], datetime] = utc_now

    def status(self, request: Request) -> str:
        """`status [app or node]`."""
        registered, operations = self.registry.read(), self.operations.all()
        if not request.intent.arguments:
            held = held_now(self.registry.store)
            running = controllers(registered.etcd_members, *present(self.registry.store))
            now, backup = self.clock(), ""
            if request.cluster.backups is not None:
                backup = status_line(request.cluster, read_record(self.registry.store), now.timestamp())
            more = [line for line in (running, backup) if line]
            return describe.status(request.cluster, registered, operations, self.state(), now, held, more)
        apps = {app: record for (_, app), record in registered.apps.items()}
        name = known_as(request, request.intent.arguments[0], "app or node", [*apps, *registered.nodes])
        if name in apps:
            return describe.app(name, apps[name])
        return describe.node(registered.nodes[name], registered, request.cluster)

    def graph(self, _: Request) -> str | Reply:
        """`graph`."""
        return self.checks["graph"]((), self.registry)

    def orphans(self, _: Request) -> str | Reply:
        """`orphans`."""
        return self.checks["orphans"]((), self.registry)

    def padlock(self, request: Request) -> str | Reply:
        """`padlock [host]`."""
        return self.checks["padlock"](self._of_host(request), self.registry)

    def crtsh(self, request: Request) -> str | Reply:
        """`crtsh [host]`."""
        return self.checks["crtsh"](self._of_host(request), self.registry)

    def logs(self, request: Request) -> str | Reply:
        """`logs <app> [instance] [--build]`."""
        return self.checks["logs"](self._of_app(request), self.registry)

    def env(self, request: Request) -> str | Reply:
        """`env <app> [instance]`."""
        return self.checks["env"](self._of_app(request), self.registry)

    def doctor(self, request: Request) -> str | Reply:
        """`doctor [node] [--fix]`."""
        if FIX in request.intent.arguments:
            return self._mend(request)
        return self.checks["doctor"](self._of_node(request), self.registry)

    def _of_app(self, request: Request) -> tuple[str, ...]:
        word, *others = request.intent.arguments
        return (known_as(request, word, "app", [app for _, app in self.registry.read().apps]), *others)

    def _of_node(self, request: Request) -> tuple[str, ...]:
        words = request.intent.arguments
        if not words or words[0] == FIX:
            return words
        registered = self.registry.read()
        known = registered.nodes.keys() | registered.hosts.keys() | request.cluster.nodes().keys()
        return (known_as(request, words[0], "node", known), *words[1:])

    def _of_host(self, request: Request) -> tuple[str, ...]:
        hosts = {record.publish.host_name for record in self.registry.read().ingress.values()}
        return tuple(host_known_as(word, hosts) for word in request.intent.arguments)

    def _mend(self, request: Request) -> str | Reply:
        cluster = request.cluster
        if "sync" not in request.may:
            raise Refused(f"You may not doctor {FIX}; {names(holders(cluster, 'sync'))} may.")
        if (hold := suspended(read_holds(self.registry.store))) is not None:
            raise Refused(f"flstr is suspended {by(hold)}; it mends nothing until somebody says `resume`.")
        with self.at_rest() as may_change:
            if not may_change:
                raise Refused(f"{self._under_way()} changes machines just now; say it again once that has ended.")
            return self.checks["doctor"](self._of_node(request), self.registry)

    def _under_way(self) -> str:
        titles = [one.plan.title for one in self.operations.all() if one.status == "running"]
        return f"The operation '{titles[0]}'" if titles else "Another doctor"
