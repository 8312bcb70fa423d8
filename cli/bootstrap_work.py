"""The operation of a bootstrap: made or taken up again, carried out, and shown meanwhile."""

import getpass
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from cli.bootstrap_source import Source
from cli.executors import build_executors, warm_connections
from cli.operation_display import Display
from cli.own_keys import IDENTITY_FILE
from cli.settings import Settings
from gitops.app_repos import AppRepos
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
from model.errors import EtcdSilent, Fenced, Refused, StepFailed
from model.operation import Operation, Origin

LOOK_SECONDS = 0.2
# What is under way may take longer to end; it is gone on with by the next run, as after a kill.
STOP_SECONDS = 10.0
INTERRUPTED = 130
# How often etcd may be silent until a bootstrap ends; its members may choose a leader in the middle of it.
SILENCES = 5
SILENT_SECONDS = 1.0


@dataclass(frozen=True)
class Work:
    """The operation, and what carries it out."""

    operation: Operation
    operations: Operations
    runner: Runner
    locks: Locks

    @classmethod
    def prepared(cls, settings: Settings, store: Store, fence: Fence, leadership: Leadership, source: Source) -> "Work":
        registry, operations = Registry(store), Operations(store)
        identities = read_identities(settings.state / IDENTITY_FILE)
        before = store.get(keys.CLUSTER)
        if before is not None:
            refuse_another(settings, source.cluster.cluster, registry.cluster().cluster)
        store.write({keys.RECIPIENT: identities.recipient, keys.CLUSTER: source.cluster.to_json()})
        ssh = warm_connections(settings, registry)
        executors = build_executors(settings, ssh, identities, AppRepos(settings.state / "apps"))
        runner = Runner(operations, registry, executors, fence.told)
        operation = unfinished(operations, unchanged=before == source.cluster.to_json())
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


def refuse_another(settings: Settings, wanted: str, known: str) -> None:
    """A state is of one cluster. Raises `Refused` where it is of another one than is wanted."""
    if known and known != wanted:
        raise Refused(
            f"{settings.state} is cluster {known}'s, and this is cluster {wanted}; "
            "set FLSTR_STATE to a folder of its own"
        )


def unfinished(operations: Operations, *, unchanged: bool) -> Operation | None:
    """A bootstrap that was killed, and still fits the manifest."""
    left = operations.under_way()
    for operation in left if not unchanged else left[1:]:
        operations.end(operation, "superseded", "cluster.yaml has changed since")
    return left[0] if left and unchanged else None


def follow(work: Work, display: Display) -> Operation:
    """Run it, and show it meanwhile; Ctrl-C ends it in order."""
    cancellation, failed = Cancellation(), list[BaseException]()
    over = threading.Event()

    def run() -> None:
        try:
            _run(work, cancellation)
        except Fenced:
            failed.append(Refused("its lease has ended, as it does where a laptop sleeps; `flstr bootstrap` goes on"))
        except BaseException as error:
            failed.append(error)
        finally:
            over.set()

    with _ctrl_c() as pressed, display:
        threading.Thread(target=run, name="bootstrap", daemon=True).start()
        while not over.wait(LOOK_SECONDS) and not pressed:
            _show(work, display)
        if not over.is_set():
            display.say(f"stopping within {STOP_SECONDS:.0f} s; Ctrl-C again stops at once")
            cancellation.cancel("it was stopped by Ctrl-C", by_a_person=True)
            _end_soon(work, display, over, pressed)
        _show(work, display)
    if failed:
        raise failed[0]
    return _newest(work)


def _run(work: Work, cancellation: Cancellation) -> None:
    """Carry it out; where etcd is silent for a while, what was in the middle of something begins again."""
    for silences in itertools.count(1):
        try:
            replace(work, operation=_newest(work)).run(cancellation)
        except EtcdSilent:
            if silences > SILENCES:
                raise
            time.sleep(SILENT_SECONDS)
        else:
            return


@contextmanager
def _ctrl_c() -> Iterator[list[int]]:
    """An item for each time that it was pressed. As an exception it would come in the middle of a call to etcd, and
    leave locks there that nobody opens any more."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _end_soon(work: Work, display: Display, over: threading.Event, pressed: Sequence[int]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    # Whoever presses it twice means it.
    while not over.wait(LOOK_SECONDS) and time.monotonic() < deadline and len(pressed) < 2:
        _show(work, display)
    if not over.is_set():
        print("flstr: stopped in the middle of a step, which begins again with the next `flstr bootstrap`", flush=True)
        # Nobody waits for a step that takes long: as after a kill, nothing is lost.
        os._exit(INTERRUPTED)


def _show(work: Work, display: Display) -> None:
    with suppress(EtcdSilent):
        display.show(_newest(work))


def _newest(work: Work) -> Operation:
    return work.operations.get(work.operation.id) or work.operation


def _nothing_is_destroyed(operation: Operation) -> None:
    raise StepFailed(f"{operation.plan.title}: a bootstrap destroys nothing")
