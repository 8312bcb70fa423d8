"""A worker and a desk on a real Git remote and a real etcd, with executors that only register."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.parser import Refusal, parse
from gitops.app_repos import AppRepos
from gitops.audit.branch import AuditBranch
from gitops.directory import Directory
from gitops.executor import HostCheck
from gitops.locks import Locks
from gitops.operations import Operations
from gitops.orphans import typed_names
from gitops.registry import Registry
from gitops.renewals import Renewals
from gitops.repository import ClusterRepo
from gitops.revisions import Revisions
from gitops.rights import Rights
from gitops.runner import Runner
from gitops.store import Store
from gitops.verbs.desk import Desk
from gitops.verbs.handlers import Parts, handlers
from gitops.worker import Worker
from model import keys
from model.errors import Refused
from model.operation import Asker, Intent, Operation
from tests.gitops.pretend import Pretend
from tests.gitops.remote import Remote
from tests.gitops.scene import CLUSTER_YAML, DIRECTORY
from tests.gitops.workspace import Workspace
from tests.identity import IDENTITIES

THREE_WORKERS = CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 3\n    first: 101")
OPERATOR, DEVELOPER, REVIEWER, STRANGER = "U01OPERATOR", "U02DEVELOPER", "U03REVIEWER", "U99STRANGER"


@dataclass
class Flstr:
    """A worker and what it works on."""

    worker: Worker
    desk: Desk
    store: Store
    operations: Operations
    registry: Registry
    pretend: Pretend
    cluster: Remote
    app: tuple[Remote, str, str]
    now: list[float]
    checks: dict[str, HostCheck]
    renewals: Renewals
    audit_branch: AuditBranch
    directory: Workspace
    parts: Parts

    def settle(self) -> list[Operation]:
        """Look until nothing is left to do; the operations there are."""
        for _ in range(200):
            if not self.look():
                if not self.worker.dispatch.running:
                    return self.operations.all()
                self.worker.dispatch.wait(10)
        raise AssertionError("the worker never settles")

    def look(self) -> bool:
        """One look of the failover's thread, and one of the worker's."""
        looked = self.worker.failover.look()
        return self.worker.look() or looked

    def removal(self) -> Operation:
        """The operation that waits for leave to take worker103 away again."""
        self.cluster.push({"cluster.yaml": THREE_WORKERS})
        self.settle()
        self.cluster.push({"cluster.yaml": CLUSTER_YAML})
        return self.settle()[-1]

    def approve(self, operation: Operation, user: str = OPERATOR) -> str:
        """What a person is answered who approves, and types the names of all that is destroyed."""
        return self.ask(" ".join(["approve", operation.id, *typed_names(operation.plan)]), user)

    def ask(self, words: str, user: str = OPERATOR) -> str:
        """What a person in Slack is answered."""
        try:
            return self.desk.reply(self._intent(words, user)).text
        except Refused as error:
            return error.sentence

    def answer(self, words: str, user: str = OPERATOR) -> str:
        """What stands in etcd for a person to read."""
        return self.answered(words, user).answer

    def answered(self, words: str, user: str = OPERATOR) -> Intent:
        """An intent as it stands in etcd once it was answered."""
        intent = self._intent(words, user)
        self.store.put(keys.intent(intent.id), intent.to_json())
        self.desk._answer(intent)
        found = Intent.model_validate_json(self.store.get(keys.intent(intent.id)) or "")
        assert found.status == "answered"
        return found

    def _intent(self, words: str, user: str) -> Intent:
        parsed = parse(words)
        verb, *arguments = words.split() if isinstance(parsed, Refusal) else (parsed.verb.name, *parsed.arguments)
        return Intent(
            id=secrets.token_hex(8),
            verb=verb,
            arguments=tuple(arguments),
            words=f"/flstr {words}",
            asker=Asker(place="slack", user=user, channel="C01FLSTR", channel_name="flstr"),
            asked=0,
        )

    def notices(self) -> list[str]:
        return list(self.store.prefix(keys.NOTICES).values())


def assemble(
    store: Store,
    cluster_remote: Remote,
    app_remote: tuple[Remote, str, str],
    folder: Path,
    clock: Callable[[], float] | None = None,
    workspace: Directory | None = None,
) -> Flstr:
    """A worker and a desk that follow the cluster repo, and keep their clones in the folder.

    Without a clock, time goes by with each look at it; without a workspace, there is one in memory.
    """
    now = [1000.0]

    def counted() -> float:
        now[0] += 0.01
        return now[0]

    look = clock or counted

    def today() -> datetime:
        return datetime.fromtimestamp(now[0] if clock is None else clock(), UTC)

    registry, operations, pretend = Registry(store), Operations(store, look), Pretend(today)
    renewals = Renewals(registry, operations, DIRECTORY, today)
    repo, app_repos = ClusterRepo(cluster_remote.url, folder / "clone"), AppRepos(folder / "apps")
    revisions = Revisions(repo, app_repos, IDENTITIES.decrypt)
    runner = Runner(operations, registry, pretend.executors(), token=1)
    worker = Worker(revisions, registry, operations, runner, Locks(store), look, renewals.look)
    checks: dict[str, HostCheck] = {}
    directory = Workspace()
    rights = Rights(workspace or directory)
    worker.leave.consult(rights, None)
    audit_branch = AuditBranch(cluster_remote.url, folder / "clone")
    parts = Parts(registry, operations, revisions, app_repos, worker, audit_branch, checks, DIRECTORY, rights, look)
    desk = Desk(store, registry, handlers(parts), rights)
    known = (now, checks, renewals, audit_branch, directory, parts)
    return Flstr(worker, desk, store, operations, registry, pretend, cluster_remote, app_remote, *known)
