"""The verb that tells what was deployed of an app: the log of its manifest, and what became of each commit."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitops.manifests import FaultyManifests, app_path, load_app
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.repository import ClusterRepo, Revision
from gitops.verbs.desk import Request
from gitops.verbs.names import known_as
from model.locks import app_lock
from model.mrkdwn import SIGNS, escape
from model.names import CommitHash
from model.operation import Operation
from model.registered import RegisteredApp

MOST = 15


@dataclass(frozen=True)
class Change:
    """One revision that changed an app's manifest, and the commit that it says to run; None where the app was gone."""

    revision: Revision
    commit: CommitHash | None
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class History:
    """Answers from the cluster repo and etcd."""

    repo: ClusterRepo
    registry: Registry
    operations: Operations

    def history(self, request: Request) -> str:
        """`history <app>`."""
        name = request.intent.arguments[0]
        self.repo.fetch()
        apps = {app: found for (_, app), found in self.registry.read().apps.items()}
        revisions = self.repo.history(app_path(name), MOST)
        if not revisions:
            # What is gone has a history as well, but only by its whole name.
            name = known_as(request, name, "app", apps)
            revisions = self.repo.history(app_path(name), MOST)
        mine = _by_revision(self.operations.all(), name)
        changes = [self._change(name, revision, mine.get(revision, ())) for revision in revisions]
        return describe(name, changes, apps.get(name, RegisteredApp()))

    def _change(self, name: str, revision: str, operations: Sequence[Operation]) -> Change:
        text = self.repo.text(revision, app_path(name))
        try:
            commit = None if text is None else load_app(app_path(name), text).commit
        except FaultyManifests:
            commit = None
        return Change(self.repo.revision(revision), commit, tuple(operations))


def describe(name: str, changes: Sequence[Change], found: RegisteredApp) -> str:
    """The changes as lines, newest first, in Slack mrkdwn. Pure."""
    serving = {record.commit for record in found.instances.values()}
    lines = [f"*{name}*, newest first"]
    for change in changes:
        revision = change.revision
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(revision.at))
        what = f"`{change.commit[:8]}`" if change.commit else "no release"
        about = f"• {when} UTC {what} by {escape(revision.author.name)}: {escape(revision.subject)}"
        lines.append(about + _outcome(change, found, serving))
        serving -= {change.commit} if change.commit else set()
    if len(changes) == MOST:
        lines.append("What is older is in the log of the cluster repo.")
    return "\n".join(lines)


def _outcome(change: Change, found: RegisteredApp, serving: set[CommitHash]) -> str:
    said = [f"{SIGNS[operation.status]} {escape(operation.sentence)}" for operation in change.operations]
    if change.commit in serving:
        said.append("serves now")
    if any(failed.commit == change.commit for failed in found.quarantine.values()):
        said.append("in quarantine")
    return f" ({'; '.join(said)})" if said else ""


def _by_revision(operations: Sequence[Operation], app: str) -> Mapping[str, Sequence[Operation]]:
    found: dict[str, list[Operation]] = {}
    for operation in operations:
        if app_lock(app) in operation.plan.locks and operation.ended_already():
            found.setdefault(operation.revision, []).append(operation)
    return found
