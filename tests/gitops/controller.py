"""A `flstr serve` without Git, Slack and machines, as a process of its own: it leads or waits, and carries operations
out. What a step does is one script on the one machine there is, which checks the fence as every script does.
"""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from executors.script import FENCED_STATUS, wrapped
from gitops.dispatch import Dispatch
from gitops.executor import StepContext
from gitops.leadership import Leadership
from gitops.locks import Locks
from gitops.loop import Loop
from gitops.notices import Trouble
from gitops.operations import Operations
from gitops.presence import Presence
from gitops.registry import Registry
from gitops.runner import Runner
from gitops.store import Store
from model import keys
from model.errors import Fenced
from model.operation import Operation
from model.registered import ControllerRecord
from model.steps import WriteKeys

LOST = 70
STEP_SECONDS = 0.25
AGAIN_SECONDS = 0.2


@dataclass(frozen=True)
class Orders:
    """Who it is, where etcd is, and where the machine keeps its fences and writes what it was told."""

    name: str
    endpoints: tuple[str, ...]
    machine: str


class Carrying(Loop):
    """Carries out what is queued, and goes on with what another one began."""

    def __init__(self, store: Store, operations: Operations, runner: Runner, locks: Locks) -> None:
        super().__init__(Trouble(store), time.time, AGAIN_SECONDS)
        self._dispatch = Dispatch(operations, runner, locks, lambda _: None, self.wake)

    def look(self) -> bool:
        """Do the next thing there is to do."""
        return self._dispatch.reap(_any) or self._dispatch.start(_any)


def _any(_: Operation) -> bool:
    return True


class Machine:
    """One script at a time; each writes when it begins and when it ends, and who had it do so."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def carry_out(self, step: WriteKeys, context: StepContext) -> None:
        """The executor of every step."""
        [name] = step.put
        folder = self._orders.machine
        said = f"{context.operation} {name} {context.fence.leader} {self._orders.name}"
        body = f"echo begin {said} >>{folder}/log\nsleep {STEP_SECONDS}\nstill_leads\necho end {said} >>{folder}/log"
        script = wrapped(f"alone step\n{body}", context.fence, folder)
        done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False)
        if done.returncode == FENCED_STATUS:
            raise Fenced(done.stderr.strip())
        assert done.returncode == 0, done.stderr


def main(orders: Orders) -> None:
    """Run until it is killed or no longer leads."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    store = Store(orders.endpoints)
    Presence(store, ControllerRecord(node=orders.name, version="", since=time.time())).start()
    leadership = Leadership(store, orders.name, on_lost=lambda: os._exit(LOST))
    fence = leadership.acquire(threading.Event())
    assert fence is not None
    mine = store.fenced(fence)
    operations, machine = Operations(mine), Machine(orders)
    runner = Runner(operations, Registry(mine), {"registry.write": machine.carry_out}, fence.told)
    loop = Carrying(mine, operations, runner, Locks(mine, leadership.lease))
    mine.follow(keys.OPERATIONS, lambda *_: loop.wake())
    try:
        loop.run()
    except Fenced as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(LOST)


if __name__ == "__main__":
    said = json.loads(sys.argv[1])
    Path(said["machine"]).mkdir(exist_ok=True)
    main(Orders(said["name"], tuple(said["endpoints"]), said["machine"]))
