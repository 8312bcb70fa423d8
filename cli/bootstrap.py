"""`flstr bootstrap`: from a laptop to controllers that carry the cluster, as an operation of the laptop's own etcd."""

import getpass
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rich.console import Console

from cli.bootstrap_source import Source, read_source
from cli.executors import IDENTITY_FILE, build_executors, warm_connections
from cli.logs import set_up
from cli.operation_display import Display
from cli.settings import Settings
from cli.tunnel import access_of
from executors.control.standing import EPOCH_BITS
from gitops.app_repos import AppRepos
from gitops.etcd_server import EmbeddedEtcd
from gitops.executor import Cancellation
from gitops.leadership import Leadership
from gitops.locks import Locks
from gitops.operations import Operations
from gitops.plan.bootstrap import bootstrap_plan
from gitops.registry import Registry
from gitops.runner import Runner
from gitops.secrets import read_identities
from gitops.store import Fence, Store
from model import keys
from model.errors import Fenced, Refused, StepFailed
from model.operation import Operation, Origin

LOOK_SECONDS = 0.2
LOG_FILE = "bootstrap.log"  # in flstr's state; the terminal shows the steps
# What is under way may take longer to end; it is gone on with by the next run, as after a kill.
STOP_SECONDS = 10.0
INTERRUPTED = 130


def bootstrap(settings: Settings, place: str, console: Console) -> None:
    """Bring a cluster repo's controllers up, and hand the cluster over to them. Raises `Refused`."""
    if access_of(settings).controllers():
        from cli.controllers import repair  # noqa: PLC0415 - most runs need it not

        repair(settings, console)
        return
    settings.require("hcloud_token")
    source = read_source(place, settings)
    settings = settings.model_copy(update={"cluster_repo": source.url})
    os.umask(0o077)
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    set_up(settings.log_format, (settings.state / LOG_FILE).open("a", buffering=1))
    if not settings.slack_bot_token.get_secret_value():
        console.print("no SLACK_BOT_TOKEN: the controllers will work without Slack", markup=False)
    with _own_etcd(settings) as (store, fence, leadership):
        work = _Work.prepared(settings, store, fence, leadership, source)
        ended = _followed(work, Display(console))
    if ended.status != "done":
        log = settings.state / LOG_FILE
        raise Refused(f"{ended.sentence}; `flstr bootstrap {place}` goes on from there, and {log} says more")
    console.print(_what_runs(settings, source), markup=False)


@contextmanager
def _own_etcd(settings: Settings) -> Iterator[tuple[Store, Fence, Leadership]]:
    """An etcd in flstr's state, led by this process. Raises `Refused` where another one has it."""
    with ExitStack() as stack:
        etcd = EmbeddedEtcd(settings.state / "etcd")
        try:
            endpoint = etcd.start()
        except Refused as error:
            raise Refused(f"{error.sentence}; is another flstr at work in {settings.state}?") from error
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


@dataclass(frozen=True)
class _Work:
    """The operation, and what carries it out."""

    operation: Operation
    operations: Operations
    runner: Runner
    locks: Locks

    @classmethod
    def prepared(
        cls, settings: Settings, store: Store, fence: Fence, leadership: Leadership, source: Source
    ) -> "_Work":
        registry, operations = Registry(store), Operations(store)
        identities = read_identities(settings.state / IDENTITY_FILE)
        before = store.get(keys.CLUSTER)
        store.write({keys.RECIPIENT: identities.recipient, keys.CLUSTER: source.cluster.to_json()})
        ssh = warm_connections(settings, registry)
        executors = build_executors(settings, ssh, identities, AppRepos(settings.state / "apps"))
        # As machines are told it: greater than any of an etcd that came before.
        token = int(store.get(keys.EPOCH) or 0) << EPOCH_BITS | fence.token
        runner = Runner(operations, registry, executors, token)
        operation = _unfinished(operations, unchanged=before == source.cluster.to_json())
        if operation is None:
            plan = bootstrap_plan(source.cluster, registry.read())
            origin = Origin(display=getpass.getuser(), place="shell", words="bootstrap")
            operation = operations.create(plan, source.revision, origin)
        return cls(operation, operations, runner, Locks(store, leadership.lease))

    def run(self, cancellation: Cancellation) -> None:
        self.runner.run(
            self.operation,
            _nothing_is_destroyed,
            self.locks.take(self.operation.plan.locks, self.operation.id),
            cancellation,
        )


def _unfinished(operations: Operations, *, unchanged: bool) -> Operation | None:
    """A bootstrap that was killed, and still fits the manifest."""
    left = operations.under_way()
    for operation in left if not unchanged else left[1:]:
        operations.end(operation, "superseded", "cluster.yaml has changed since")
    return left[0] if left and unchanged else None


def _followed(work: _Work, display: Display) -> Operation:
    """Run it, and show it meanwhile; Ctrl-C ends it in order."""
    cancellation, failed = Cancellation(), list[BaseException]()

    def run() -> None:
        try:
            work.run(cancellation)
        except Fenced:
            failed.append(
                Refused("its lease has ended, as it does where a laptop sleeps; say it again, and it goes on")
            )
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="bootstrap", daemon=True)
    thread.start()
    with display:
        try:
            _show(work, display, thread)
        except KeyboardInterrupt:
            cancellation.cancel("it was stopped by Ctrl-C", by_a_person=True)
            _end_soon(work, display, thread)
    if failed:
        raise failed[0]
    return _newest(work)


def _show(work: _Work, display: Display, thread: threading.Thread) -> None:
    while thread.is_alive():
        display.show(_newest(work))
        thread.join(LOOK_SECONDS)
    display.show(_newest(work))


def _end_soon(work: _Work, display: Display, thread: threading.Thread) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    try:
        while thread.is_alive() and time.monotonic() < deadline:
            display.show(_newest(work))
            thread.join(LOOK_SECONDS)
    except KeyboardInterrupt:
        deadline = 0.0
    if thread.is_alive():
        print("flstr: stopped in the middle of a step, which begins again with the next `flstr bootstrap`", flush=True)
        # Nobody waits for a step that takes long: as after a kill, nothing is lost.
        os._exit(INTERRUPTED)


def _newest(work: _Work) -> Operation:
    return work.operations.get(work.operation.id) or work.operation


def _nothing_is_destroyed(operation: Operation) -> None:
    raise StepFailed(f"{operation.plan.title}: a bootstrap destroys nothing")


def _what_runs(settings: Settings, source: Source) -> str:
    nodes = [known.node for known in access_of(settings).controllers()]
    speak = f"speak in #{source.cluster.channel} and " if settings.slack_bot_token.get_secret_value() else ""
    return (
        f"{source.cluster.cluster} carries itself: etcd and flstr run on {', '.join(nodes)}. They {speak}follow "
        f"{source.url}. This machine may be switched off; while it is on, `flstr status` asks them."
    )
