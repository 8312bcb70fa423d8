"""`flstr serve`: etcd, leadership, the worker, the desk for verbs, and the bot, until a signal."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from socket import gethostname

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from bot.service import Bot, SlackSettings
from cli.backups import place_of
from cli.etcd import endpoint_file, tls_of
from cli.executors import (
    build_checks,
    build_executors,
    build_rounds,
    certificate_office,
    cloud_settings,
    ending_note,
    own_node,
    warm_connections,
)
from cli.own_keys import IDENTITY_FILE
from cli.settings import Settings
from cli.stopping import end_soon, ended, stopped_by_signals
from cli.tunnel import access_of
from cli.version import running_version
from executors.certificates.windows import Windows
from executors.ending import ending_cluster, finish
from executors.floating_drift import FloatingDrift
from executors.liveness import Liveness
from executors.orphans import OrphanWatch
from executors.prices import MonthlyPrices
from executors.pushing import Pushing
from executors.reachability import Reachability
from gitops.app_repos import AppRepos
from gitops.audit.branch import AuditBranch
from gitops.audit.pushing import AuditPushing
from gitops.audit.recorder import Recorder
from gitops.backups.backups import Backups
from gitops.certificates import key_safe
from gitops.etcd_lead import EtcdLead
from gitops.etcd_metrics import ask_syncs
from gitops.etcd_server import EmbeddedEtcd
from gitops.leadership import Leadership
from gitops.locks import Locks
from gitops.operations import Operations
from gitops.pickers import Pickers
from gitops.presence import Presence
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
from model.errors import Fenced, Refused
from model.registered import ControllerRecord

log = structlog.get_logger()

# How often it is looked whether machines live, at least: one read of etcd, and a look at the warm connections.
LIVENESS_SECONDS = 5.0
# How often it is looked whether something is due that comes at most a few times a day.
SELDOM_SECONDS = 600.0
# How often what is new of the audit is committed at most.
AUDIT_SECONDS = 60.0
LOST = 70  # the exit status of a controller that another one has overtaken


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. Raises `Refused` where a setting is missing."""
    settings.require("cluster_repo", "hcloud_token")
    if settings.node and not settings.etcd_endpoints:
        # Before the hand-over it is told of none, and with an etcd of its own it would be a cluster of its own.
        raise Refused(f"{settings.node} is told of no etcd yet: set FLSTR_ETCD_ENDPOINTS, or do not set FLSTR_NODE")
    if not settings.etcd_endpoints and (known := access_of(settings).controllers()):
        # What this machine's own etcd knows is from before the hand-over, and the cloud knows no fence.
        raise Refused(
            f"{settings.state} has handed the cluster over, and {', '.join(one.node for one in known)} carry it; "
            "`flstr status` asks them, and `flstr restore` takes it back once their etcd is lost"
        )
    if settings.slack_bot_token.get_secret_value():
        settings.require("slack_app_token")
    # What flstr keeps, clones of private repositories among it, is for its user alone.
    os.umask(0o077)
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if ending_cluster(ending_note(settings)) is not None:
        # Its etcd may be gone by now, and nobody else ends what is left.
        finish(cloud_settings(settings), ending_note(settings), own_node(settings))
        return 0
    stopping = stopped_by_signals()
    try:
        with ExitStack() as stack:
            try:
                _serve(settings, stopping, stack)
            finally:
                # What is done in order from here on may wait for what does not answer.
                end_soon()
    finally:
        ended()
    return 0


def _serve(settings: Settings, stopping: threading.Event, stack: ExitStack) -> None:
    """Until `stopping`; what is to be done then in any case is on the stack."""
    store = Store(_etcd(settings, stack), tls=tls_of(settings))
    stack.callback(store.close)
    if not settings.etcd_endpoints:
        # Whoever led by an etcd of its own has ended with it: its lease need not be waited for.
        store.delete(keys.LEADER, *store.prefix(keys.LOCKS))
    bot = _listening_bot(settings, Registry(store), stack)
    if settings.node:
        running = ControllerRecord(node=settings.node, version=running_version(), since=time.time())
        presence = Presence(store, running)
        presence.start()
        stack.callback(presence.stop)
    leading = threading.Event()
    if settings.node and len(settings.etcd_endpoints) > 1:
        etcd_lead = EtcdLead(store, partial(ask_syncs, tls=tls_of(settings)), leading.is_set)
        etcd_lead.start()
        stack.callback(etcd_lead.stop)
    leadership = Leadership(store, settings.node or f"{gethostname()}:{os.getpid()}", on_lost=_give_up)
    stack.callback(leadership.stop)
    fence = leadership.acquire(stopping)
    if fence is not None:
        leading.set()
        if bot is not None:
            # Before leadership is given back: whoever leads next speaks at once.
            stack.callback(bot.hush)
            bot.speak()
        rights = Rights(bot.directory if bot is not None else None)
        _lead(settings, store.fenced(fence), fence, leadership, stopping, rights, bot)


def _etcd(settings: Settings, stack: ExitStack) -> tuple[str, ...]:
    if settings.etcd_endpoints:
        return settings.etcd_endpoints
    if access_of(settings).controllers():
        # What was handed over goes on there; two flstrs would each do their own.
        raise Refused(f"the controllers that {settings.state} knows run flstr; `flstr bootstrap` starts what is down")
    etcd = EmbeddedEtcd(settings.state / "etcd")
    endpoint = etcd.start()
    stack.callback(etcd.stop)
    endpoint_file(settings).write_text(f"{endpoint}\n")
    stack.callback(endpoint_file(settings).unlink, missing_ok=True)
    log.info("etcd runs", endpoint=endpoint)
    return (endpoint,)


def _listening_bot(settings: Settings, registry: Registry, stack: ExitStack) -> Bot | None:
    """The bot as it is while another controller may still lead: it takes intents, and says nothing."""
    if not settings.slack_bot_token.get_secret_value():
        log.warning("no SLACK_BOT_TOKEN: flstr works without Slack; ask it with the flstr command")
        return None
    slack = SlackSettings(
        bot_token=settings.slack_bot_token.get_secret_value(),
        app_token=settings.slack_app_token.get_secret_value(),
        api_url=settings.slack_api_url or None,
    )
    bot = Bot(registry, slack)
    bot.listen()
    stack.callback(bot.stop)
    return bot


def _lead(
    settings: Settings,
    store: Store,
    fence: Fence,
    leadership: Leadership,
    stopping: threading.Event,
    rights: Rights,
    bot: Bot | None,
) -> None:
    """Everything that changes anything; `rights` say who may ask for it."""
    registry, operations = Registry(store), Operations(store)
    repo = ClusterRepo(settings.cluster_repo, settings.state / "cluster.git", settings.branch)
    app_repos = AppRepos(settings.state / "apps")
    identities = read_identities(settings.state / IDENTITY_FILE)
    store.put(keys.RECIPIENT, identities.recipient)
    revisions = Revisions(repo, app_repos, identities.decrypt)
    ssh = warm_connections(settings, registry)

    def routed(node: str) -> None:
        pushing.push_again(node)

    executors = build_executors(settings, ssh, identities, app_repos, routed, partial(_unbind, leadership, bot))
    runner = Runner(operations, registry, executors, fence.told)
    renewals = Renewals(registry, operations, settings.acme_directory, can_open=key_safe(identities).can_open)
    worker = Worker(revisions, registry, operations, runner, Locks(store, leadership.lease), on_end=renewals.look)
    worker.leave.consult(rights, MonthlyPrices(settings.hcloud_token.get_secret_value(), settings.hcloud_endpoint))
    reachability = Reachability(registry, worker.wake)
    drift = FloatingDrift(registry, cloud_settings(settings), worker.wake)
    watch = Liveness(registry, ssh.answers, worker.wake, on_read=reachability.know).look
    pushing = Pushing(store, ssh.talk, fence.told, worker.registered_changed, _unless(stopping))

    def renew() -> None:
        if renewals.look():
            worker.wake()

    windows = Windows(registry, partial(certificate_office, settings, identities=identities))
    rounds = Rounds(registry, operations, build_rounds(settings))
    audit_branch = AuditBranch(settings.cluster_repo, settings.state / "cluster.git")
    audit_pushing = AuditPushing(store, audit_branch)
    recorder = Recorder(store, _unless(stopping), audit_pushing.last)
    checks, directory = build_checks(settings, registry), settings.acme_directory
    backups = Backups(registry, place_of(settings), identities.recipient, settings.state / "backups")
    parts = Parts(
        registry, operations, revisions, app_repos, worker, audit_branch, checks, directory, rights, backups=backups
    )
    desk = Desk(store, registry, handlers(parts), rights)
    pickers = Pickers(store, app_repos, Commits(repo, worker.wake).repo_of)
    scheduler = _scheduler(
        (
            (worker.wake, settings.poll_seconds),
            (watch, min(settings.poll_seconds, LIVENESS_SECONDS)),
            (renew, settings.poll_seconds),
            (Scheduling(registry, repo, worker.wake).look, settings.poll_seconds),
            (windows.look, SELDOM_SECONDS),
            (drift.look, SELDOM_SECONDS),
            (OrphanWatch(registry, operations, cloud_settings(settings), worker.wake).look, SELDOM_SECONDS),
            (rounds.look, SELDOM_SECONDS),
            (audit_pushing.look, AUDIT_SECONDS),
            (backups.look, settings.poll_seconds),
            (lambda: prune(store, time.time()), 3600.0),
        ),
        stopping,
    )
    recorder.start()
    desk.start()
    pickers.start()
    loops = {"worker": worker.run, "failover": worker.failover.run, "reachability": reachability.run}
    for name, run in loops.items():
        threading.Thread(target=_until_fenced(run, stopping), name=name, daemon=True).start()
    pushing.start()
    log.info("serving", cluster_repo=settings.cluster_repo, token=fence.told)
    stopping.wait()
    log.info("stopping; an operation under way goes on at the next start")
    scheduler.shutdown(wait=False)
    desk.stop()
    pickers.stop()
    reachability.stop()
    pushing.stop()
    worker.stop()
    recorder.stop()
    audit_pushing.look()


def _unbind(leadership: Leadership, bot: Bot | None) -> None:
    """Once the cluster's end is decided on one of its machines: it goes on without etcd, and without a word."""
    leadership.outlive()
    if bot is not None:
        # What is seen of a cluster while it goes, such as machines that are silent, is no news any more.
        bot.hush()


def _scheduler(looks: Sequence[tuple[Callable[[], object], float]], stopping: threading.Event) -> BackgroundScheduler:
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
    def give_up(reason: str) -> None:
        # Whoever stops has given leadership back, and ends in order.
        if not stopping.is_set():
            _give_up(reason)

    return give_up


def _give_up(reason: str = "its lease has ended") -> None:
    # Another controller may be acting already: nothing of this one may go on, so no orderly end.
    log.error("this controller no longer leads", reason=reason)
    os._exit(LOST)
