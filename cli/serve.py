"""`flstr serve`: etcd, leadership, the worker, the desk for verbs, and the bot, until a signal."""

import os
import threading
import time
from contextlib import ExitStack
from functools import partial
from socket import gethostname

import structlog

from bot.service import Bot, SlackSettings
from cli.etcd import endpoint_file, tls_of
from cli.executors import (
    cloud_settings,
    ending_note,
    own_node,
)
from cli.leading import Led, give_up, lead
from cli.settings import Settings
from cli.stopping import end_soon, ended, stopped_by_signals
from cli.tunnel import access_of
from cli.version import running_version
from executors.ending import ending_cluster, finish
from gitops.etcd_lead import EtcdLead
from gitops.etcd_metrics import ask_syncs
from gitops.etcd_server import EmbeddedEtcd
from gitops.leadership import Leadership
from gitops.presence import Presence
from gitops.registry import Registry
from gitops.rights import Rights
from gitops.store import Store
from model import keys
from model.errors import Refused
from model.registered import ControllerRecord

log = structlog.get_logger()


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
        if store.get(keys.HANDED_OVER) is not None:
            raise Refused(f"{settings.state} has handed the cluster over; `flstr bootstrap` says to whom")
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
    leadership = Leadership(store, settings.node or f"{gethostname()}:{os.getpid()}", on_lost=give_up)
    stack.callback(leadership.stop)
    fence = leadership.acquire(stopping)
    if fence is not None:
        leading.set()
        if bot is not None:
            # Before leadership is given back: whoever leads next speaks at once.
            stack.callback(bot.hush)
            bot.speak()
        rights = Rights(bot.directory if bot is not None else None)
        lead(Led(settings, store.fenced(fence), fence, leadership, stopping, rights, bot))


def _etcd(settings: Settings, stack: ExitStack) -> tuple[str, ...]:
    if settings.etcd_endpoints:
        return settings.etcd_endpoints
    etcd = EmbeddedEtcd(settings.state / "etcd")
    endpoint = etcd.start()
    stack.callback(etcd.stop)
    endpoint_file(settings).write_text(f"{endpoint}\n")
    stack.callback(endpoint_file(settings).unlink, missing_ok=True)
    log.info("etcd runs", endpoint=endpoint)
    return (endpoint,)


def controllers_of(settings: Settings) -> int:
    """How many run flstr: a controller is told of every member of etcd, and told anew where they change."""
    return len(settings.etcd_endpoints) if settings.node else 1


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
    bot = Bot(registry, slack, controllers=controllers_of(settings))
    bot.listen()
    stack.callback(bot.stop)
    return bot
