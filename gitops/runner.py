"""Carries an operation out: each step as soon as those before it are done, side by side, every state in etcd first."""

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from gitops.executor import Cancellation, Executors, HostFence, StepContext
from gitops.operations import Operations
from gitops.progress import Progress, resumed
from gitops.registry import Registry
from gitops.store import Fence
from model import keys
from model.errors import Cancelled, Fenced, Refused, ReleaseFailed, StepFailed, Unreadable
from model.operation import Operation
from model.steps import PlannedStep

log = structlog.get_logger()

SIDE_BY_SIDE = 32
# What cannot be taken back, in a plan that destroys.
DESTROYING = frozenset(
    {"registry.write", "names.point", "overlay.leave", "mesh.leave", "node.destroy", "floating_ip.give_back"}
    | {"orphan.give_back", "cluster.end", "controller.retire", "etcd.remove", "service.remove", "service.restore"}
)

# Raises `StepFailed` where an operation may not destroy any more.
Guard = Callable[[Operation], None]


class Runner:
    """Runs operations by the executors it was given, one step kind each."""

    def __init__(
        self,
        operations: Operations,
        registry: Registry,
        executors: Executors,
        token: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`token` is the leader's, as machines are told it."""
        self._operations = operations
        self._registry = registry
        self._executors = executors
        self._token = token
        self._clock = clock

    def run(
        self,
        operation: Operation,
        may_destroy: Guard,
        locks: Sequence[Fence] = (),
        cancellation: Cancellation | None = None,
    ) -> Operation:
        """Run an operation to its end, from wherever an earlier controller left it; `locks` are those it holds.

        Before each step that destroys, `may_destroy` is asked. Raises `Unreadable` where it can go on later only,
        and `Fenced` at once, whatever still runs.
        """
        progress = Progress(self._operations, resumed(operation, self._clock()), self._clock)
        registry = Registry(self._registry.store.fenced(*locks))
        tokens = tuple((lock.key.removeprefix(keys.LOCKS), lock.told) for lock in locks)
        run = _Run(progress, registry, HostFence(self._token, tokens), may_destroy, cancellation or Cancellation())
        pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE, thread_name_prefix="step")
        overtaken = False
        try:
            self._run_steps(run, pool)
        except Fenced:
            overtaken = True
            raise
        finally:
            pool.shutdown(wait=not overtaken, cancel_futures=overtaken)
        return progress.end(registry.read().apps, run.cancellation)

    def _run_steps(self, run: "_Run", pool: ThreadPoolExecutor) -> None:
        running, finished = 0, queue.SimpleQueue[Future[None]]()
        while True:
            ready = [] if run.cancellation.cancelled else run.progress.ready()
            run.progress.begin(ready)
            for step in ready:
                pool.submit(self._run_step, run, step).add_done_callback(finished.put)
            running += len(ready)
            if not running:
                return
            # Those that ended together are made up for together.
            for future in (finished.get(), *(finished.get() for _ in range(finished.qsize()))):
                future.result()
                running -= 1

    def _run_step(self, run: "_Run", planned: PlannedStep) -> None:
        progress = run.progress
        context = StepContext(
            operation=progress.operation.id,
            registry=run.registry,
            fence=run.fence,
            report=lambda line: progress.report(planned, line),
            tell=lambda line: progress.tell(planned, line),
            cancellation=run.cancellation,
            tasks=lambda tasks: progress.tasks(planned, tasks),
        )
        steplog = log.bind(operation=progress.operation.id, step=planned.id)
        steplog.info("step begins", title=planned.title)
        try:
            if planned.step.kind in DESTROYING and progress.operation.plan.destroys():
                run.may_destroy(progress.operation)
            self._executors[planned.step.kind](planned.step, context)
        except (Fenced, Unreadable):
            # An etcd that is silent for a moment is no fault of the step: it is begun again.
            raise
        except Cancelled as error:
            steplog.info("step given up", sentence=error.sentence)
            progress.give_up(planned)
        except ReleaseFailed as error:
            steplog.warning("release failed", sentence=error.sentence, output=error.output[-500:])
            progress.fail(planned, error.sentence, error.output, release_failed=True)
            run.stop_the_rollout()
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


@dataclass(frozen=True)
class _Run:
    """An operation under way: what its steps may use, and whether its end is still wanted."""

    progress: Progress
    registry: Registry
    fence: HostFence
    may_destroy: Guard
    cancellation: Cancellation

    def stop_the_rollout(self) -> None:
        """Have what takes long end at once, where the operation is about nothing but the release that failed."""
        if len(self.progress.operation.plan.locks) == 1:
            self.cancellation.cancel("the release has failed")
