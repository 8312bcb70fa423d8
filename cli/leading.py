"""The controller that leads: everything of flstr that changes anything, until a signal or another leader."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from bot.service import Bot
from cli.backups import place_of
from cli.executors import (
    build_checks,
    build_executors,
    build_rounds,
    build_services,
    certificate_office,
    cloud_settings,
    warm_connections,
)
from cli.own_keys import IDENTITY_FILE
from cli.settings import Settings
from executors.certificates.windows import Windows
from executors.floating_drift import FloatingDrift
from executors.liveness import Liveness
from executors.orphans import OrphanWatch
from executors.prices import MonthlyPrices
from executors.pushing import Pushing
from executors.reachability import Reachability
from executors.services.leader_watch import LeaderWatch
from executors.ssh import Ssh
from gitops.app_repos import AppRepos
from gitops.audit.branch import AuditBranch
from gitops.audit.pushing import AuditPushing
from gitops.audit.recorder import Recorder
from gitops.backups.backups import Backups
from gitops.backups.service_making import ServiceBackups
from gitops.backups.service_schedule import ServiceSchedule
from gitops.certificates import key_safe
from gitops.leaders import Leaders
from gitops.leadership import Leadership
from gitops.locks import Locks
from gitops.operations import Operations
from gitops.pickers import Pickers
from gitops.registry import Registry
from gitops.renewals import Renewals
from gitops.repository import ClusterRepo
from gitops.retention import prune
from gitops.revisions import Revisions
from gitops.rights import Rights
from gitops.rounds import Rounds
from gitops.runner import Runner
from gitops.scheduling import Scheduling
from gitops.secrets import read_identities
from gitops.store import Fence, Store
from gitops.verbs.commits import Commits
from gitops.verbs.desk import Desk
from gitops.verbs.handlers import Parts, handlers
from gitops.worker import Worker
from model import keys
from model.cluster import Cluster
from model.errors import Fenced
from model.names import AppName
from model.registered import Registered
from model.service import Service

log = structlog.get_logger()

LOST = 70  # the exit status of a controller that another one has overtaken
# How often it is looked whether machines live, at least: one read of etcd, and a look at the warm connections.
LIVENESS_SECONDS = 5.0
# How often it is looked whether something is due that comes at most a few times a day.
SELDOM_SECONDS = 600.0
# How often what is new of the audit is committed at most.
AUDIT_SECONDS = 60.0

# What is looked at now and then, and how often, in seconds.
Look = tuple[Callable[[], object], float]


@dataclass(frozen=True)
class Led:
    """What this controller has while it leads; `rights` say who may ask for anything."""

    settings: Settings
    store: Store
    fence: Fence
    leadership: Leadership
    stopping: threading.Event
    rights: Rights
    bot: Bot | None


def lead(led: Led) -> None:
    """Act until `stopping`, then end in order what was begun."""
    settings, store, stopping = led.settings, led.store, led.stopping
    registry, operations = Registry(store), Operations(store)
    repo = ClusterRepo(settings.cluster_repo, settings.state / "cluster.git", settings.branch)
    app_repos = AppRepos(settings.state / "apps")
    identities = read_identities(settings.state / IDENTITY_FILE)
    store.put(keys.RECIPIENT, identities.recipient)
    revisions = Revisions(repo, app_repos, identities.decrypt)
    ssh = warm_connections(settings, registry)

    def routed(node: str) -> None:
        pushing.push_again(node)

    executors = build_executors(settings, ssh, identities, app_repos, routed, partial(_unbind, led.leadership, led.bot))
    runner = Runner(operations, registry, executors, led.fence.told)
    renewals = Renewals(registry, operations, settings.acme_directory, can_open=key_safe(identities).can_open)
    worker = Worker(revisions, registry, operations, runner, Locks(store, led.leadership.lease), on_end=renewals.look)
    worker.leave.consult(led.rights, MonthlyPrices(settings.hcloud_token.get_secret_value(), settings.hcloud_endpoint))
    reachability = Reachability(registry, worker.wake)
    leaders = Leaders(operations, worker.dispatch, lambda: worker.state().revision, worker.failover.wake)
    leader_watch = LeaderWatch(ssh.talk, leaders.act)
    pushing = Pushing(store, ssh.talk, led.fence.told, worker.registered_changed, _unless(stopping))
    audit_branch = AuditBranch(settings.cluster_repo, settings.state / "cluster.git")
    audit_pushing = AuditPushing(store, audit_branch)
    recorder = Recorder(store, _unless(stopping), audit_pushing.last)
    backups = Backups(registry, place_of(settings), identities.recipient, settings.state / "backups")
    service_backups = ServiceBackups(
        registry, operations, worker.dispatch, place_of(settings), lambda: worker.state().revision, worker.wake
    )
    parts = Parts(
        registry, operations, revisions, app_repos, worker, audit_branch, build_checks(settings, registry),
        settings.acme_directory, led.rights, backups=backups, service_backups=service_backups,
        preview=build_services(settings, ssh, identities).preview,
    )  # fmt: skip
    desk = Desk(store, registry, handlers(parts), led.rights)
    pickers = Pickers(store, app_repos, Commits(repo, worker.wake).repo_of)
    looks = (
        (worker.wake, settings.poll_seconds),
        (_liveness(registry, ssh, worker, (reachability.know, leader_watch.know)).look, _liveness_seconds(settings)),
        (_renewing(renewals, worker), settings.poll_seconds),
        (Scheduling(registry, repo, worker.wake).look, settings.poll_seconds),
        (Windows(registry, partial(certificate_office, settings, identities=identities)).look, SELDOM_SECONDS),
        (FloatingDrift(registry, cloud_settings(settings), worker.wake).look, SELDOM_SECONDS),
        (OrphanWatch(registry, operations, cloud_settings(settings), worker.wake).look, SELDOM_SECONDS),
        (Rounds(registry, operations, build_rounds(settings)).look, SELDOM_SECONDS),
        (audit_pushing.look, AUDIT_SECONDS),
        (backups.look, settings.poll_seconds),
        (ServiceSchedule(registry, service_backups, partial(_services, worker)).look, settings.poll_seconds),
        (lambda: prune(store, time.time()), 3600.0),
    )
    with ExitStack() as ending:
        # Ended in the opposite order: what asks for work first, what tells of it last.
        ending.callback(audit_pushing.look)
        recorder.start()
        ending.callback(recorder.stop)
        for name, run in {"worker": worker.run, "failover": worker.failover.run}.items():
            _begin(name, run, stopping)
        ending.callback(worker.stop)
        pushing.start()
        ending.callback(pushing.stop)
        _begin("reachability", reachability.run, stopping)
        ending.callback(reachability.stop)
        _begin("leader watch", leader_watch.run, stopping)
        ending.callback(leader_watch.stop)
        pickers.start()
        ending.callback(pickers.stop)
        desk.start()
        ending.callback(desk.stop)
        scheduler = _scheduler(looks, stopping)
        ending.callback(scheduler.shutdown, wait=False)
        log.info("serving", cluster_repo=settings.cluster_repo, token=led.fence.told)
        stopping.wait()
        log.info("stopping; an operation under way goes on at the next start")


def _unbind(leadership: Leadership, bot: Bot | None) -> None:
    """Once the cluster's end is decided on one of its machines: it goes on without etcd, and without a word."""
    leadership.outlive()
    if bot is not None:
        # What is seen of a cluster while it goes, such as machines that are silent, is no news any more.
        bot.hush()


def _liveness(
    registry: Registry, ssh: Ssh, worker: Worker, on_read: Sequence[Callable[[Cluster, Registered], None]]
) -> Liveness:
    """The watch over all machines, by whose reads the others know what is registered."""

    def know(cluster: Cluster, registered: Registered) -> None:
        for hear in on_read:
            hear(cluster, registered)

    return Liveness(registry, ssh.answers, worker.wake, on_read=know)


def _services(worker: Worker) -> Mapping[AppName, Service]:
    """Those that the manifests name, as far as they are followed."""
    known = worker.following.known(worker.state())
    return {} if known is None else known.services


def _liveness_seconds(settings: Settings) -> float:
    return min(settings.poll_seconds, LIVENESS_SECONDS)


def _renewing(renewals: Renewals, worker: Worker) -> Callable[[], None]:
    def look() -> None:
        if renewals.look():
            worker.wake()

    return look


def _begin(name: str, run: Callable[[], object], stopping: threading.Event) -> None:
    threading.Thread(target=_until_fenced(run, stopping), name=name, daemon=True).start()


def _scheduler(looks: Sequence[Look], stopping: threading.Event) -> BackgroundScheduler:
    """Each look as often as it is made, in seconds; one that takes longer is not made twice at once."""
    scheduler = BackgroundScheduler()
    for look, seconds in looks:
        scheduler.add_job(_until_fenced(look, stopping), "interval", seconds=seconds, max_instances=1, coalesce=True)
    scheduler.start()
    return scheduler


def _until_fenced(run: Callable[[], object], stopping: threading.Event) -> Callable[[], None]:
    def guarded() -> None:
        try:
            run()
        except Fenced as error:
            _unless(stopping)(str(error))

    return guarded


def _unless(stopping: threading.Event) -> Callable[[str], None]:
    def give_up_unless(reason: str) -> None:
        # Whoever stops has given leadership back, and ends in order.
        if not stopping.is_set():
            give_up(reason)

    return give_up_unless


def give_up(reason: str = "its lease has ended") -> None:
    """End at once, with status `LOST`."""
    # Another controller may be acting already: nothing of this one may go on, so no orderly end.
    log.error("this controller no longer leads", reason=reason)
    os._exit(LOST)
