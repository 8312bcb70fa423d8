"""The record of an operation as its steps go on; every change is in etcd before anything depends on it."""

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence

from gitops.executor import Cancellation
from gitops.operations import Operations
from gitops.outcome import apps_of, brought, failed_release, records
from model.errors import Unreadable
from model.names import AppId
from model.operation import Operation, OperationStatus, StepState, StepStatus, StepTasks
from model.registered import RegisteredApp
from model.steps import PlannedStep

DETAIL_SECONDS = 0.5
OUTPUT_CHARACTERS = 2500


class Progress:
    """The operation's record as its steps go on; every change is written before anything depends on it."""

    def __init__(self, operations: Operations, operation: Operation, clock: Callable[[], float]) -> None:
        self._operations = operations
        self._operation = operation
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._changes, self._written = 0, 0
        self._detail_written = 0.0
        operations.save(operation)

    @property
    def operation(self) -> Operation:
        """As it stands now."""
        return self._operation

    def ready(self) -> list[PlannedStep]:
        """Steps that wait for nothing any more; the roll-out of a release that failed goes no further."""
        states = self._operation.steps
        failed = set[AppId]()
        if any(state.release_failed for state in states.values()):
            failed = {release.id for release in brought(self._operation) if failed_release(release, states)}
        return [
            step
            for step in self._operation.plan.steps
            if states[step.id].status == "waiting"
            and _may_start(step, [states[name].status for name in step.after])
            and failed.isdisjoint(apps_of(step))
        ]

    def begin(self, steps: Sequence[PlannedStep]) -> None:
        """Steps that begin together are written at once; with many of them, none waits for the writes of the others."""
        if not steps:
            return
        with self._lock:
            for step in steps:
                self._set(
                    step,
                    {"status": "running", "started": self._clock(), "detail": "", "output": "", "tasks": StepTasks()},
                )
        self._write()

    def finish(self, step: PlannedStep) -> None:
        self._change(step, status="done", ended=self._clock())

    def give_up(self, step: PlannedStep) -> None:
        self._change(step, status="skipped", ended=self._clock(), detail="given up")

    def fail(self, step: PlannedStep, sentence: str, output: str, *, release_failed: bool = False) -> None:
        self._change(
            step, status="failed", ended=self._clock(), detail=sentence, output=output[-OUTPUT_CHARACTERS:],
            release_failed=release_failed,
        )  # fmt: skip

    def report(self, step: PlannedStep, line: str) -> None:
        """Show a step's newest line; lines that come faster than anybody reads are not all written."""
        self._show(step, {"detail": line[:300]})

    def tasks(self, step: PlannedStep, tasks: StepTasks) -> None:
        """Show how far a step's playbook is, as seldom as its lines; the last of it is written with the step's end."""
        self._show(step, {"tasks": tasks})

    def _show(self, step: PlannedStep, changes: dict[str, object]) -> None:
        with self._lock:
            self._set(step, changes)
            now = self._clock()
            if now - self._detail_written < DETAIL_SECONDS:
                return
            self._detail_written = now
        with contextlib.suppress(Unreadable):
            self._write()

    def tell(self, step: PlannedStep, line: str) -> None:
        """Keep a line that the thread is to hear."""
        told = self._operation.steps[step.id].told
        if line not in told:
            self._change(step, told=(*told, line))

    def end(self, apps: Mapping[AppId, RegisteredApp], cancellation: Cancellation) -> Operation:
        """Write how it ended, and with that what it says of the releases that it brought out."""
        also = records(self._operation, apps, self._clock())
        states = self._operation.steps
        failed = [step for step in self._operation.plan.steps if states[step.id].status == "failed"]
        if failed:
            first = failed[0]
            more = f" (and {len(failed) - 1} more steps failed)" if len(failed) > 1 else ""
            sentence = f"{first.title}: {states[first.id].detail}{more}{self._way_back(apps)}"
            return self._operations.end(self._operation, "failed", sentence, also)
        if cancellation.cancelled and any(state.status != "done" for state in states.values()):
            status: OperationStatus = "cancelled" if cancellation.by_a_person else "superseded"
            return self._operations.end(self._operation, status, cancellation.why, also)
        took = self._clock() - (self._operation.started or self._operation.created)
        return self._operations.end(self._operation, "done", f"done in {took:.0f} s", also)

    def _way_back(self, apps: Mapping[AppId, RegisteredApp]) -> str:
        back = [
            f"{release.app.app} goes back to {stable.app.commit[:8]}"
            for release in brought(self._operation)
            if failed_release(release, self._operation.steps)
            and release.app.update.auto_revert
            and (stable := apps.get(release.id, RegisteredApp()).stable) is not None
            and stable.spec != release.spec
        ]
        return f"; {', '.join(back)}" if back else ""

    def _change(self, step: PlannedStep, **changes: object) -> None:
        with self._lock:
            self._set(step, changes)
        self._write()

    def _write(self) -> None:
        """Return once all that was set before is in etcd; those who wait for a write share the next one."""
        asked = self._changes
        with self._writing:
            if self._written < asked:
                with self._lock:
                    newest, changes = self._operation, self._changes
                self._operations.save(newest)
                self._written = changes

    def _set(self, step: PlannedStep, changes: dict[str, object]) -> None:
        state = self._operation.steps[step.id].model_copy(update=changes)
        steps = {**self._operation.steps, step.id: state}
        self._operation = self._operation.model_copy(update={"steps": steps})
        self._changes += 1


def _may_start(step: PlannedStep, before: Sequence[StepStatus]) -> bool:
    if step.tolerant and "done" in before:
        return all(status in ("done", "failed") for status in before)
    return all(status == "done" for status in before)


def resumed(operation: Operation, now: float) -> Operation:
    """The operation as it goes on: steps that were under way when a controller died are begun again."""
    steps: dict[str, StepState] = {
        name: StepState() if state.status == "running" else state for name, state in operation.steps.items()
    }
    started = operation.started if operation.started is not None else now
    return operation.model_copy(update={"status": "running", "steps": steps, "started": started})
