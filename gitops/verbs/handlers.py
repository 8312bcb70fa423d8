"""Every verb of the table with who answers it, put together from the parts of a controller that leads."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gitops.app_repos import AppRepos
from gitops.audit.branch import AuditBranch
from gitops.backups.backups import Backups
from gitops.backups.service_making import ServiceBackups
from gitops.executor import HostChecks, StepPreview
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.revisions import Revisions
from gitops.rights import Rights
from gitops.verbs.audit import Audit
from gitops.verbs.backup import BackupVerb
from gitops.verbs.cancel import Cancel
from gitops.verbs.change import Decision
from gitops.verbs.commits import Commits
from gitops.verbs.committing import Committing
from gitops.verbs.decide import Decide
from gitops.verbs.decisions import decisions
from gitops.verbs.desk import Handler
from gitops.verbs.fleet import Fleet
from gitops.verbs.history import History
from gitops.verbs.hold import HoldVerbs
from gitops.verbs.look import Look
from gitops.verbs.plans import Plans
from gitops.verbs.services import Services
from gitops.verbs.who import Who
from gitops.worker import Worker


@dataclass(frozen=True)
class Parts:
    """What verbs look at and act through; `directory` is that of the certificate authority, and `preview` asks machines
    what a service's playbook would change."""

    registry: Registry
    operations: Operations
    revisions: Revisions
    app_repos: AppRepos
    worker: Worker
    audit_branch: AuditBranch
    checks: HostChecks
    directory: str
    rights: Rights
    clock: Callable[[], float] = time.time
    backups: Backups | None = None
    service_backups: ServiceBackups | None = None
    preview: StepPreview | None = None


def handlers(parts: Parts) -> Mapping[str, Handler]:
    """By the name of the verb; `help` is answered where it is asked."""
    return {**_changing(parts), **_looking(parts)}


def _changing(parts: Parts) -> Mapping[str, Handler]:
    registry, worker, clock = parts.registry, parts.worker, parts.clock
    store, commits = registry.store, Commits(parts.revisions.repo, worker.wake)
    carried_out = Committing(commits, registry, parts.operations)
    decide = Decide(store, parts.operations, worker.wake, clock, parts.rights)
    hold = HoldVerbs(worker.holding, worker.following, worker.wake, clock)
    return {
        **{verb: carried_out.of(decision) for verb, decision in _decisions(parts, commits).items()},
        "sync": decide.sync,
        "approve": decide.approve,
        "deny": decide.deny,
        "break-glass": decide.break_glass,
        "cancel": Cancel(store, parts.operations, worker.dispatch, worker.state, worker.wake, clock).cancel,
        "lock": hold.lock,
        "unlock": hold.unlock,
        "freeze": hold.freeze,
        "thaw": hold.thaw,
        "suspend": hold.suspend,
        "resume": hold.resume,
        "backup": BackupVerb(parts.backups).backup,
        "service backup": Services(commits, registry, parts.service_backups).backup,
    }


def _looking(parts: Parts) -> Mapping[str, Handler]:
    registry, operations, revisions = parts.registry, parts.operations, parts.revisions

    def today() -> datetime:
        return datetime.fromtimestamp(parts.clock(), UTC)

    look = Look(registry, operations, parts.worker.state, parts.checks, parts.worker.dispatch.at_rest, today)
    fleet = Fleet(registry, operations)
    commits = Commits(revisions.repo, parts.worker.wake)
    decided = _decisions(parts, commits)
    return {
        "history": History(revisions.repo, registry, operations).history,
        "plan": Plans(registry, revisions, decided, parts.directory, today, parts.preview).plan,
        "status": look.status,
        "nodes": fleet.nodes,
        "apps": fleet.apps,
        "services": fleet.services,
        "service backups": Services(commits, registry, parts.service_backups).list,
        "who": Who(registry.store).who,
        "audit": Audit(registry.store, parts.audit_branch).audit,
        "orphans": look.orphans,
        "padlock": look.padlock,
        "crtsh": look.crtsh,
        "graph": look.graph,
        "doctor": look.doctor,
        "logs": look.logs,
        "env": look.env,
    }


def _decisions(parts: Parts, commits: Commits) -> Mapping[str, Decision]:
    return decisions(commits, parts.app_repos, parts.registry, parts.clock, parts.service_backups)
