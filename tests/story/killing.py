"""A flstr that loses its power at a given moment, and comes back."""

import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from gitops.operations import Operations
from gitops.store import Store
from lab.story.stage import Stage
from model import keys
from model.operation import Operation, StepStatus
from tests.story.views import etcd_endpoint, etcd_revision

MOMENT_SECONDS = 120.0

Event = dict[str, Any]


@dataclass
class PowerCuts:
    """Kills flstr, its etcd with it, and starts it again; `count` says how often."""

    stage: Stage
    count: int = 0
    cut_at: float = 0.0
    _read: int = field(default=0)

    def start(self) -> None:
        """Start flstr; from now on only what it logs from here on is heard."""
        log = self.stage.flstr.log
        self._read = log.stat().st_size if log.exists() else 0
        self.stage.flstr.start(FLSTR_LOG_FORMAT="json")

    def when_step_begins(self, step: str, later: float = 0.0) -> None:
        """Cut the power in the middle of a step whose id begins so, as soon as it has begun or a little later."""
        store, seen = Store([etcd_endpoint(self.stage)]), set[tuple[str, str]]()
        try:
            self.when(lambda: self._is_held(store, step, later, seen), f"step {step} to begin")
        finally:
            store.close()

    def when_step_ends(self, number: int, since: int) -> None:
        """Cut the power as soon as etcd has it that a step is done: of the plan made after revision `since`, by place."""
        store = Store([etcd_endpoint(self.stage)])
        try:
            self.when(lambda: _is_done(store, number, since), f"step {number} to end")
        finally:
            store.close()

    def when(self, moment: Callable[[], bool], what: str, later: float = 0.0) -> None:
        """Cut the power once `moment` has come, and start flstr again."""
        deadline = time.monotonic() + MOMENT_SECONDS
        while not moment():
            assert time.monotonic() < deadline, f"waited {MOMENT_SECONDS:.0f} s for {what}"
            assert self.stage.flstr.is_running, f"flstr ended by itself before {what}"
            time.sleep(0.01)
        time.sleep(later)
        self.cut()

    def cut(self) -> None:
        """End flstr as a power cut does, see its etcd gone, start it again, see its data there."""
        endpoint, before = etcd_endpoint(self.stage), etcd_revision(self.stage)
        self.cut_at = time.time()
        self.stage.flstr.kill()
        assert _is_closed(endpoint), "etcd has outlived its flstr"
        self.count += 1
        self.start()
        deadline = time.monotonic() + MOMENT_SECONDS
        while not any(event["event"] == "leading" for event in self._events(self._read)):
            assert time.monotonic() < deadline, "flstr did not come back"
            time.sleep(0.02)
        assert etcd_revision(self.stage) >= before, "etcd has lost what it had"

    def interrupted(self) -> set[str]:
        """The steps that a cut hit in the middle: they have begun more than once."""
        begun = Counter((it["operation"], it["step"]) for it in self._events(0) if it["event"] == "step begins")
        return {step for (_, step), count in begun.items() if count > 1}

    def _is_held(self, store: Store, step: str, later: float, seen: set[tuple[str, str]]) -> bool:
        """Whether flstr is frozen in the middle of such a step; one that has ended before that is let pass, unless no
        other of its kind is to come."""
        if self._began(step) <= seen:
            return False
        time.sleep(later)
        # Between a look at a step and the cut a busy machine could end it.
        self.stage.flstr.pause()
        seen |= self._began(step)
        states = _states(store, step, {operation for operation, _ in seen})
        if any(states[one] == "running" for one in seen) or not {"waiting", "running"} & set(states.values()):
            return True
        self.stage.flstr.resume()
        return False

    def _began(self, step: str) -> set[tuple[str, str]]:
        """The steps whose ids begin so that have begun, each with its operation."""
        begins = [it for it in self._events(self._read) if it["event"] == "step begins"]
        return {(it["operation"], it["step"]) for it in begins if it["step"].startswith(step)}

    def _events(self, offset: int) -> list[Event]:
        lines = self.stage.flstr.log.read_bytes()[offset:].splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"\n")]


def _states(store: Store, step: str, operations: set[str]) -> dict[tuple[str, str], StepStatus]:
    """How far the steps of these operations are whose ids begin so."""
    found = [it for it in map(Operations(store).get, operations) if it is not None]
    return {(it.id, name): state.status for it in found for name, state in it.steps.items() if name.startswith(step)}


def _is_done(store: Store, number: int, since: int) -> bool:
    changed, _ = store.changed(keys.OPERATIONS, since)
    for operation in map(Operation.model_validate_json, changed.values()):
        steps = operation.plan.steps
        if number < len(steps) and operation.steps[steps[number].id].status == "done":
            return True
    return False


def _is_closed(endpoint: str, seconds: float = 60.0) -> bool:
    at = urlsplit(endpoint)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.05)
        try:
            socket.create_connection((at.hostname or "", at.port or 0), timeout=1).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            # Nothing was said by a machine that is busy.
            continue
    return False
