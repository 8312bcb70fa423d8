"""Three controllers and three members of etcd as processes, and one machine; each can be killed, stopped, or cut off."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gitops.operations import Operations
from gitops.presence import present
from model.errors import Refused
from model.operation import Operation, Origin
from model.steps import Plan, PlannedStep, WriteKeys
from tests.gitops.cuttable import Ways
from tests.gitops.etcd_cluster import EtcdCluster

# What never comes to be is a fault; how soon it does says nothing on a busy machine.
WAIT_SECONDS = 120.0
STEPS = 12
# What a controller logs that goes on later, as etcd was silent.
SILENCE = "nothing can be done now"

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """What the machine was told: that a step of an operation began or ended, by which leader."""

    what: str
    operation: str
    step: str
    token: int
    controller: str


class Controller:
    """One controller, which reaches etcd by ways that can be cut, its own member first."""

    def __init__(self, name: str, endpoints: Sequence[str], machine: Path) -> None:
        self.name = name
        self.ways = Ways(endpoints)
        self._machine = machine
        self._log = machine.parent / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, as systemd has it begin again."""
        orders = {"name": self.name, "endpoints": self.ways.endpoints, "machine": str(self._machine)}
        command = [sys.executable, "-m", "tests.gitops.controller", json.dumps(orders)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                cwd=Path(__file__).parents[2],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it at once; the script that it had begun on the machine goes on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Have it do nothing for a while."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def silences(self) -> int:
        """How often it has found etcd silent."""
        return self._log.read_text().count(SILENCE)

    def ended_with(self) -> int:
        """The status with which it ends by itself."""
        assert self._process is not None
        return self._process.wait(timeout=WAIT_SECONDS)

    def end(self) -> None:
        """Kill it, if it runs, and close its ways."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.ways.close()


class Controllers:
    """The whole of it."""

    def __init__(self, folder: Path) -> None:
        self.etcd = EtcdCluster(folder / "etcd")
        self.etcd.start()
        self.machine = folder / "machine"
        self.machine.mkdir()
        self._log = self.machine / "log"
        names = [member.name for member in self.etcd.members]
        own_first = [(*self.etcd.endpoints[at:], *self.etcd.endpoints[:at]) for at in range(len(names))]
        self.all = [Controller(name, endpoints, self.machine) for name, endpoints in zip(names, own_first, strict=True)]
        self.store = self.etcd.store()
        self._operations = Operations(self.store)
        self._silences_before = 0

    def start(self) -> None:
        """Begin, and wait until all of them tell that they run, and one leads."""
        for controller in self.all:
            controller.start()
        self.await_all()

    def await_all(self) -> None:
        """Wait until all of them run and one leads."""
        self.until(lambda: len(self.running()) == len(self.all) and self.leading())

    def running(self) -> list[str]:
        """Those that tell that they run."""
        return [record.node for record in present(self.store)[0]]

    def leading(self) -> str:
        """Who leads; empty where nobody does."""
        return present(self.store)[1]

    def leader(self) -> Controller:
        """The controller that leads."""
        name = self.until(self.leading)
        return next(one for one in self.all if one.name == name)

    def silences(self) -> int:
        """How often any of them has found etcd silent since the newest operation was begun."""
        return self._silences() - self._silences_before

    def begin(self) -> str:
        """Have an operation carried out whose steps come one after the other; its id."""
        self._silences_before = self._silences()
        steps = [
            PlannedStep(
                id=f"step{number:02}",
                title=f"Step {number}",
                step=WriteKeys(put={f"step{number:02}": ""}),
                after=(f"step{number - 1:02}",) if number else (),
            )
            for number in range(STEPS)
        ]
        return self._operations.create(Plan(title="Chaos", steps=tuple(steps), locks=("machines",)), "r", Origin()).id

    def lines(self, operation: str) -> list[Line]:
        """What the machine was told of an operation, in order."""
        written = self._log.read_text().splitlines() if self._log.exists() else []
        found = (line.split() for line in written)
        return [Line(what, op, step, int(token), by) for what, op, step, token, by in found if op == operation]

    def operation(self, operation: str) -> Operation:
        """The operation as it is in etcd."""
        found = self._operations.get(operation)
        assert found is not None
        return found

    def until(self, look: Callable[[], T]) -> T:
        """Wait for something; an etcd that chooses its leader does not say yet whether it is so."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (seen := _seen(look)):
            assert time.monotonic() < deadline, "it did not come to be"
            time.sleep(0.02)
        return seen

    def _silences(self) -> int:
        return sum(one.silences() for one in self.all)

    def end(self) -> None:
        """Kill all of it."""
        self.store.close()
        for controller in self.all:
            controller.end()
        self.etcd.end()


def _seen(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except Refused:
        return None


@contextmanager
def controllers(folder: Path) -> Iterator[Controllers]:
    """Three controllers at work, for as long as the block lasts."""
    scene = Controllers(folder)
    try:
        scene.start()
        yield scene
    finally:
        scene.end()
