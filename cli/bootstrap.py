"""`flstr bootstrap`: from a laptop to controllers that carry the cluster, as an operation of the laptop's own etcd."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console

from cli.bootstrap_again import remembered
from cli.bootstrap_source import Source, is_of_this_machine, read_source
from cli.bootstrap_work import Work, follow, refuse_another
from cli.logs import set_up
from cli.operation_display import Display
from cli.settings import Settings
from cli.tunnel import access_of
from gitops.etcd_server import EmbeddedEtcd
from gitops.leadership import Leadership
from gitops.store import Fence, Store
from model import keys
from model.errors import Refused

LOG_FILE = "bootstrap.log"  # in flstr's state; the terminal shows the steps


def bootstrap(settings: Settings, place: str, console: Console) -> None:
    """Bring a cluster repo's controllers up, and hand the cluster over to them. Raises `Refused`."""
    if settings.etcd_endpoints:
        raise Refused("a bootstrap makes the cluster's etcd; unset FLSTR_ETCD_ENDPOINTS for it")
    if access_of(settings).controllers():
        _see_to_what_runs(settings, place, console)
        return
    settings.require("hcloud_token")
    if settings.slack_bot_token.get_secret_value():
        settings.require("slack_app_token")
    source = read_source(place, settings)
    if is_of_this_machine(source.url):
        raise Refused(f"the controllers cannot fetch {source.url}, which is on this machine; push it to where they can")
    settings = settings.model_copy(update={"cluster_repo": source.url})
    os.umask(0o077)
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    set_up(settings.log_format, (settings.state / LOG_FILE).open("a", buffering=1))
    if not settings.slack_bot_token.get_secret_value():
        console.print("no SLACK_BOT_TOKEN: the controllers will work without Slack", markup=False)
    with _own_etcd(settings) as (store, fence, leadership):
        ended = None
        if not remembered(settings, store):
            work = Work.prepared(settings, store, fence, leadership, source)
            ended = follow(work, Display(console))
    if ended is None:
        console.print("this machine has handed the cluster over, and knows again to whom", markup=False)
        _see_to_what_runs(settings, place, console)
        return
    if ended.status != "done":
        log = settings.state / LOG_FILE
        raise Refused(f"{ended.sentence}; `flstr bootstrap {place}` goes on from there, and {log} says more")
    console.print(_what_runs(settings, source), markup=False)


def _see_to_what_runs(settings: Settings, place: str, console: Console) -> None:
    from cli.controllers import repair  # noqa: PLC0415 - most runs need it not

    try:
        wanted = read_source(place, settings).cluster.cluster
    except Refused as error:
        # Whatever is wrong there just now, the controllers are to come up all the same.
        console.print(f"{error.sentence}; looking at the controllers all the same", markup=False)
    else:
        refuse_another(settings, wanted, access_of(settings).cluster())
    repair(settings, console)


@contextmanager
def _own_etcd(settings: Settings) -> Iterator[tuple[Store, Fence, Leadership]]:
    """An etcd in flstr's state, led by this process. Raises `Refused` where another one has it."""
    with ExitStack() as stack:
        etcd = EmbeddedEtcd(settings.state / "etcd")
        endpoint = etcd.start()
        stack.callback(etcd.stop)
        store = Store([endpoint])
        stack.callback(store.close)
        # Whoever led has ended with this etcd: its lease need not be waited for.
        store.delete(keys.LEADER, *store.prefix(keys.LOCKS))
        leadership = Leadership(store, f"{socket.gethostname()}:{os.getpid()}", on_lost=lambda: None)
        stack.callback(leadership.stop)
        fence = leadership.acquire(threading.Event())
        if fence is None:
            raise Refused("leadership of the laptop's own etcd was not given")
        yield store.fenced(fence), fence, leadership


def _what_runs(settings: Settings, source: Source) -> str:
    nodes = [known.node for known in access_of(settings).controllers()]
    speak = f"speak in #{source.cluster.channel} and " if settings.slack_bot_token.get_secret_value() else ""
    return (
        f"{source.cluster.cluster} carries itself: etcd and flstr run on {', '.join(nodes)}. They {speak}follow "
        f"{source.url}. This machine may be switched off; while it is on, `flstr status` asks them."
    )
