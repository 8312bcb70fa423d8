"""Carries an operation out: each step as soon as those before it are done, side by side, every state in etcd first."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog

from gitops.executor import Executors, HostFence, StepContext
from gitops.operations import Operations
from gitops.registry import Registry
from model.errors import Fenced, Refused, StepFailed, Unreadable
from model.operation import Operation, StepState, StepStatus
from model.steps import PlannedStep

log = structlog.get_logger()

SIDE_BY_SIDE = 32
DETAIL_SECONDS = 0.5
OUTPUT_CHARACTERS = 2500
# What cannot be taken back, in a plan that destroys.
DESTROYING = frozenset({"registry.write", "overlay.leave", "mesh.leave", "node.destroy"})

# Raises `StepFailed` where an operation may not destroy any more.
Guard = Callable[[Operation], None]


class Runner:
    """Runs operations by the executors it was given, one step kind each.

    `at_work` is held while one runs; whoever else changes machines holds it meanwhile.
    """

    def __init__(
        self,
        operations: Operations,
        registry: Registry,
        executors: Executors,
        token: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._operations = operations
        self._registry = registry
        self._executors = executors
        self._token = token
        self._clock = clock
        self.at_work = threading.Lock()

    def run(self, operation: Operation, may_destroy: Guard) -> Operation:
        """Run an operation to its end, from wherever an earlier controller left it.

        Before each step that destroys, `may_destroy` is asked. Raises `Unreadable` where it can go on later only,
        and `Fenced` at once, whatever still runs.
        """
        with self.at_work:
            return self._run(operation, may_destroy)

    def _run(self, operation: Operation, may_destroy: Guard) -> Operation:
        progress = _Progress(self._operations, _resumed(operation, self._clock()), self._clock)
        pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE, thread_name_prefix="step")
        overtaken = False
        try:
            self._run_steps(progress, pool, may_destroy)
        except Fenced:
            overtaken = True
            raise
        finally:
            pool.shutdown(wait=not overtaken, cancel_futures=overtaken)
        return progress.end()

    def _run_steps(self, progress: "_Progress", pool: ThreadPoolExecutor, may_destroy: Guard) -> None:
        running: set[Future[None]] = set()
        while True:
            ready = progress.ready()
            progress.begin(ready)
            running |= {pool.submit(self._run_step, progress, step, may_destroy) for step in ready}
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()

    def _run_step(self, progress: "_Progress", planned: PlannedStep, may_destroy: Guard) -> None:
        context = StepContext(
            operation=progress.operation.id,
            registry=self._registry,
            fence=HostFence(self._token),
            report=lambda line: progress.report(planned, line),
            tell=lambda line: progress.tell(planned, line),
        )
        steplog = log.bind(operation=progress.operation.id, step=planned.id)
        steplog.info("step begins", title=planned.title)
        try:
            if planned.step.kind in DESTROYING and progress.operation.plan.destroys():
                may_destroy(progress.operation)
            self._executors[planned.step.kind](planned.step, context)
        except (Fenced, Unreadable):
            # An etcd that is silent for a moment is no fault of the step: it is begun again.
            raise
        except StepFailed as error:
            steplog.warning("step failed", sentence=error.sentence, output=error.output[-500:])
            progress.fail(planned, error.sentence, error.output)
        except Refused as error:
            steplog.warning("step failed", sentence=error.sentence)
            progress.fail(planned, error.sentence, "")
        except Exception as error:
            steplog.exception("step broke")
            progress.fail(planned, f"flstr itself failed here ({type(error).__name__}); the log says more", "")
        else:
            steplog.info("step done")
            progress.finish(planned)


class _Progress:
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
        """Steps that wait for nothing any more."""
        states = self._operation.steps
        return [
            step
            for step in self._operation.plan.steps
            if states[step.id].status == "waiting" and _may_start(step, [states[name].status for name in step.after])
        ]

    def begin(self, steps: Sequence[PlannedStep]) -> None:
        """Steps that begin together are written at once; with many of them, none waits for the writes of the others."""
        if not steps:
            return
        with self._lock:
            for step in steps:
                self._set(step, {"status": "running", "started": self._clock(), "detail": "", "output": ""})
        self._write()

    def finish(self, step: PlannedStep) -> None:
        self._change(step, status="done", ended=self._clock())

    def fail(self, step: PlannedStep, sentence: str, output: str) -> None:
        self._change(step, status="failed", ended=self._clock(), detail=sentence, output=output[-OUTPUT_CHARACTERS:])

    def report(self, step: PlannedStep, line: str) -> None:
        """Show a step's newest line; lines that come faster than anybody reads are not all written."""
        with self._lock:
            self._set(step, {"detail": line[:300]})
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

    def end(self) -> Operation:
        failed = [step for step in self._operation.plan.steps if self._operation.steps[step.id].status == "failed"]
        if failed:
            first = failed[0]
            more = f" (and {len(failed) - 1} more steps failed)" if len(failed) > 1 else ""
            sentence = f"{first.title}: {self._operation.steps[first.id].detail}{more}"
            return self._operations.end(self._operation, "failed", sentence)
        took = self._clock() - (self._operation.started or self._operation.created)
        return self._operations.end(self._operation, "done", f"done in {took:.0f} s")

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


def _resumed(operation: Operation, now: float) -> Operation:
    """The operation as it goes on: steps that were under way when a controller died are begun again."""
    steps: dict[str, StepState] = {
        name: StepState() if state.status == "running" else state for name, state in operation.steps.items()
    }
    started = operation.started if operation.started is not None else now
    return operation.model_copy(update={"status": "running", "steps": steps, "started": started})
