"""The power is cut after each step of an operation, one run a step; the steps are those of a run without a cut."""

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from lab.story.chat import DEVELOPER, Card
from lab.story.load import Load
from lab.story.stage import Stage
from model.operation import Operation
from model.steps import BuildRelease, StartInstance
from tests.story.asked import asked, await_new, await_settled, records
from tests.story.crash_table import Crash
from tests.story.killing import PowerCuts
from tests.story.views import (
    enabled_units,
    etcd_revision,
    held_locks,
    operation,
    registered,
    registered_units,
    running_units,
    units_started,
)

_SPEC = re.compile(r"-[0-9a-f]{8}\b|@[0-9a-f]{8}\b")


@dataclass(frozen=True)
class Act:
    """What is done again and again: `words` are typed, and `undo` brings back what was.

    Afterwards so many `instances` serve, and none of them on the worker `without`.
    """

    name: str
    words: Callable[[], str]
    instances: int
    undo: Callable[[], None] = lambda: None
    without: str = ""


@dataclass(frozen=True)
class Run:
    """One time that an act was done; `told` is when its card told the end."""

    began: float
    told: float
    ended: float
    card: Card
    operation: Operation
    twice: tuple[str, ...]
    amiss: tuple[str, ...]


@dataclass
class CrashMatrix:
    """Runs acts, and kills flstr in them."""

    stage: Stage
    cuts: PowerCuts
    load: Load
    _commits: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def kill_after_each_step(self, act: Act) -> list[Crash]:
        """One run without a kill, which says what the steps are, then one for each of them."""
        reference = self._run(act, lambda since: None)
        assert not reference.amiss, f"{act.name} without a kill: {reference.amiss}"
        assert not reference.twice, f"{act.name} without a kill: {reference.twice} ran twice"
        crashes = []
        for number, step in enumerate(reference.operation.plan.steps):
            run = self._run(act, partial(self.cuts.when_step_ends, number))
            crashes.append(self._crash(act, step.title, reference, run))
        return crashes

    def new_commit(self) -> str:
        """A commit of the app that no machine has built yet."""
        git = ("--git-dir", str(self.stage.around.lab.git.path("influencer")))
        name = f"release-{next(self._commits)}"
        identity = ("-c", "user.name=developer", "-c", "user.email=developer@flstr.lab")
        commit = self.stage.git(*git, *identity, "commit-tree", "main^{tree}", "-p", "main", "-m", name)
        self.stage.git(*git, "update-ref", f"refs/heads/{name}", commit)
        return commit

    def _run(self, act: Act, kill: Callable[[int], None]) -> Run:
        stage = self.stage
        started, before, since = units_started(stage), records(stage), etcd_revision(stage)
        began = time.time()
        words = act.words()
        answer = asked(stage, DEVELOPER, words)
        kill(since)
        card = await_new(stage, before, f"the end of {words!r}, which was answered {answer!r}")
        told, ended = time.time(), operation(stage, card.record)
        await_settled(stage)
        run = Run(
            began, told, time.time(), card, ended,
            twice=ran_twice(units_started(stage) - started, ended),
            amiss=tuple(self._amiss(act, card, before)),
        )  # fmt: skip
        act.undo()
        return run

    def _crash(self, act: Act, step: str, reference: Run, run: Run) -> Crash:
        report = self.load.report.between(run.began, run.ended)
        failed = tuple(f"{one.kind}: {one.failure}" for one in report.failures)
        amiss = run.amiss
        if _kinds(run.operation) != _kinds(reference.operation):
            amiss = (*amiss, f"other steps: {_kinds(run.operation)}")
        seconds = run.told - self.cuts.cut_at
        return Crash(act.name, _SPEC.sub("", step), seconds, report.requests, failed, run.twice, amiss)

    def _amiss(self, act: Act, card: Card, before: set[str]) -> Iterator[str]:
        """What is not as it should be at the end."""
        stage = self.stage
        if card.ending != "done" or {status for _, status in card.tasks} != {"complete"}:
            yield card.text
        if len(records(stage) - before) != 1:
            yield f"{len(records(stage) - before)} cards"
        running, enabled, listed = running_units(stage), enabled_units(stage), registered_units(stage)
        if not running == enabled == listed:
            yield f"running {running}, enabled {enabled}, registered {listed}"
        if sum(map(len, running.values())) != act.instances or running.get(act.without):
            yield f"runs {running}"
        if len(registered(stage).ports) != act.instances:
            yield f"{len(registered(stage).ports)} ports held"
        if held_locks(stage):
            yield f"locks held: {', '.join(held_locks(stage))}"


def _kinds(of: Operation) -> list[str]:
    return [step.step.kind for step in of.plan.steps]


def ran_twice(started: Counter[tuple[str, str]], done: Operation) -> tuple[str, ...]:
    """The units that were started more often than the plan has steps for it: builds by machine, instances by name."""
    wanted: Counter[tuple[str, str]] = Counter()
    for step in (planned.step for planned in done.plan.steps):
        if isinstance(step, BuildRelease):
            wanted[step.node, "flstr-build"] += 1
        elif isinstance(step, StartInstance):
            wanted[step.node, f"flstr-{step.app.kind}-{step.app.app}-{step.instance}.service"] += 1
            wanted[step.node, "flstr-build"] += step.build
    return tuple(f"{unit} on {node}" for node, unit in (started - wanted))
