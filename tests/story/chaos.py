"""Faults in the middle of changes, in a cluster that carries itself: done, waited for, and counted."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from lab.cloud.settings import CloudSettings
from lab.machine_faults import MachineFaults
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import APPROVE, DEVELOPER, OPERATOR
from lab.story.control_stage import ETCD_UNIT, FLSTR_UNIT, THREE_CONTROLLERS, ControlStage
from lab.surroundings import Wishes
from tests.story.asked import asked
from tests.story.chaos_counting import amiss, carried_on, progress
from tests.story.chaos_leading import Next
from tests.story.chaos_seeing import Before, Seeing, awaited
from tests.story.chaos_table import Cell
from tests.story.ticking import Ticking

CHANGE_SECONDS, BACK_SECONDS = 120.0, 60.0
# What a disk takes that is about to die, or that is shared with somebody who needs all of it.
SLOW_SECONDS = 0.5
# By which each controller listens to Slack.
CONNECTIONS = 2


@dataclass(frozen=True)
class Fault:
    """What is done to a unit of a controller, and how it is undone."""

    name: str
    do: Callable[[MachineFaults, str, str], None]
    undo: Callable[[MachineFaults, str, str], None] = lambda faults, node, unit: None
    # Whether it is over as soon as the change has gone on, so that whom it hit comes back in the middle of it.
    passes: bool = True
    # Who leads next, where it hits the flstr that leads: what was killed is begun again, and may well be the first.
    next: Next = "another"


def _slow(faults: MachineFaults, node: str, _: str) -> None:
    # A disk is a machine's: flstr itself hardly ever waits for it, the member of etcd beside it does.
    for unit in (FLSTR_UNIT, ETCD_UNIT):
        faults.slow_disk(node, unit, SLOW_SECONDS)


def _quick(faults: MachineFaults, node: str, _: str) -> None:
    for unit in (FLSTR_UNIT, ETCD_UNIT):
        faults.normal_disk(node, unit)


FAULTS = (
    Fault("kill", lambda faults, node, unit: faults.kill(node, unit), next="anybody"),
    Fault(
        "stop",
        lambda faults, node, unit: faults.stop(node, unit),
        lambda faults, node, unit: faults.resume(node, unit),
    ),
    Fault("partition", lambda faults, node, _: faults.cut_off(node), lambda faults, node, _: faults.heal(node)),
    Fault("slow disk", _slow, _quick, passes=False, next="nobody"),
)


@dataclass(frozen=True)
class Target:
    """Whom it hits."""

    name: str
    unit: str
    find: Callable[[ControlStage], str]


TARGETS = (
    Target("the flstr that leads", FLSTR_UNIT, ControlStage.leader),
    Target("the etcd that leads", ETCD_UNIT, ControlStage.etcd_leader),
)


@dataclass(frozen=True)
class Change:
    """What is asked for by Slack; its operation is known by a step of this kind."""

    name: str
    words: Callable[["Chaos"], str]
    kind: str
    approved: bool = False


# In this order they leave the cluster as it was.
CHANGES = (
    Change("rollout", lambda chaos: f"/flstr deploy influencer@{chaos.new_commit()}", "instance.start"),
    Change("scale-up", lambda _: "/flstr scale worker 3", "node.create"),
    Change("node removal", lambda _: "/flstr scale worker 2", "node.destroy", approved=True),
)


# One instance, and little to wait for: what is measured is how a change goes on.
SMALL = {"instances: 2\n": "instances: 1\n", "healthy_deadline: 30s": "healthy_deadline: 30s\n  min_healthy_time: 1s"}
WISHES = Wishes(cloud=CloudSettings(create_seconds=1.0), edits={**THREE_CONTROLLERS, **SMALL})


def every_cell() -> list[tuple[Fault, Target, "Change"]]:
    """All cells of the table, row by row."""
    return list(itertools.product(FAULTS, TARGETS, CHANGES))


@contextmanager
def bootstrapped(name: str) -> Iterator["Chaos"]:
    """Three controllers that carry themselves, two workers with an instance on one of them, and an ingress."""
    with ControlStage(name, WISHES) as stage:
        stage.bootstrap(FLSTR_LOG_FORMAT="json")
        stage.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
        chaos = Chaos(stage, Seeing(stage))
        chaos.await_well()
        yield chaos


@dataclass
class Chaos:
    """A cluster in which every controller is well, before and after each cell."""

    stage: ControlStage
    seeing: Seeing
    _commits: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def cell(self, fault: Fault, target: Target, change: Change) -> Cell:
        """Begin the change, do the fault in the middle of a step, see the change to its end, heal, wait for all."""
        stage = self.stage
        before, node = self.seeing.before(), target.find(stage)
        with Ticking(stage.around.slack.url) as ticking:
            self._begin(change)
            operation, during = awaited(lambda: self._under_way(before, change), f"the {change.name} to be under way")
            with ExitStack() as over:
                over.callback(fault.undo, stage.faults, node, target.unit)
                fault.do(stage.faults, node, target.unit)
                in_place = time.time()
                awaited(lambda: self._gone_on(operation, in_place), f"the {change.name} to go on", CHANGE_SECONDS)
                if fault.passes:
                    over.close()
                awaited(lambda: self._ended(operation), f"the end of the {change.name}", CHANGE_SECONDS)
                total = time.time() - before.at
            self.await_well()
            answered = ticking.first_answer(in_place)
        unanswered = ticking.unanswered()
        seen = self.seeing.seen(before, operation, in_place, fault.next if target.unit == FLSTR_UNIT else "nobody")
        return Cell(
            *(fault.name, target.name, change.name, during, carried_on(seen.versions, in_place, answered), total),
            *(ticking.commands, ticking.repeated, ticking.most_repeated, ticking.slowest(), unanswered, amiss(seen)),
        )

    def await_well(self) -> None:
        """Wait until every controller is there, and each has the connections to Slack that it wants."""
        wanted = dict.fromkeys(self.stage.controllers(), CONNECTIONS)
        awaited(lambda: self.stage.are_back() or None, "all controllers to be well", BACK_SECONDS)
        awaited(lambda: self.listening() == wanted or None, f"{wanted} connections to Slack", BACK_SECONDS)

    def listening(self) -> dict[str, int]:
        """By how many connections each machine listens to Slack, as Slack sees it."""
        names = {address: name for name, address in self.stage.servers().items()}
        return {names.get(address, address): count for address, count in self.stage.chat.connections().items()}

    def new_commit(self) -> str:
        """A commit of the app that no machine has built yet."""
        git = ("--git-dir", str(self.stage.around.lab.git.path("influencer")))
        name = f"chaos-{next(self._commits)}"
        identity = ("-c", "user.name=developer", "-c", "user.email=developer@flstr.lab")
        commit = self.stage.git(*git, *identity, "commit-tree", "main^{tree}", "-p", "main", "-m", name)
        self.stage.git(*git, "update-ref", f"refs/heads/{name}", commit)
        return commit

    def _begin(self, change: Change) -> None:
        chat = self.stage.chat
        before = {card.record for card in chat.cards()}
        asked(self.stage, DEVELOPER, change.words(self))
        if change.approved:
            card = chat.await_card(lambda it: it.record not in before and it.waits, "a card that asks for leave", 60.0)
            chat.click(OPERATOR, card, APPROVE)

    def _under_way(self, before: Before, change: Change) -> tuple[str, str] | None:
        """The change's operation, and the title of a step of it that runs."""
        for name, operation in self.seeing.operations().items():
            titles = {step.id: step.title for step in operation.plan.steps}
            if name not in before.operations and any(step.step.kind == change.kind for step in operation.plan.steps):
                running = [titles[step] for step, state in operation.steps.items() if state.status == "running"]
                return (name, running[0]) if running else None
        return None

    def _gone_on(self, name: str, since: float) -> bool | None:
        operation = self.seeing.operations(name)[name]
        return operation.ended_already() or bool(progress(operation, since)) or None

    def _ended(self, name: str) -> bool | None:
        return self.seeing.operations(name)[name].ended_already() or None
