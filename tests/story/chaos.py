"""Faults in the middle of changes, in a cluster that carries itself: done, waited for, and counted."""

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from lab.cloud.settings import CloudSettings
from lab.errors import LabError
from lab.machine_faults import MachineFaults
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import APPROVE, DEVELOPER, OPERATOR, Card
from lab.story.control_stage import ETCD_UNIT, FLSTR_UNIT, THREE_CONTROLLERS, ControlStage
from lab.surroundings import Wishes
from model import keys
from model.operation import Operation
from tests.story.chaos_counting import Seen, Told, amiss, carried_on, progress
from tests.story.chaos_leading import Leading, Logged, Next, logged
from tests.story.chaos_table import Cell
from tests.story.ticking import Ticking

T = TypeVar("T")

CHANGE_SECONDS, BACK_SECONDS, LOOK_SECONDS = 120.0, 60.0, 0.2
# What a disk takes that is about to die, or that is shared with somebody who needs all of it.
SLOW_SECONDS = 0.5
# By which each controller listens to Slack.
CONNECTIONS = 2

_STARTED = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"  # SD_MESSAGE_UNIT_STARTED
_FENCE = re.compile(r"/fences/([^:\n]+):(\d+)$", re.MULTILINE)


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
        chaos = Chaos(stage)
        chaos.await_well()
        yield chaos


@dataclass
class Chaos:
    """A cluster in which every controller is well, before and after each cell."""

    stage: ControlStage
    _commits: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def cell(self, fault: Fault, target: Target, change: Change) -> Cell:
        """Begin the change, do the fault in the middle of a step, see the change to its end, heal, wait for all."""
        stage = self.stage
        tokens, started, asked = self._tokens(), self._units_started(), len(stage.around.cloud.requests.requests)
        since, known = stage.etcd_revision() + 1, self._operations().keys()
        node, leader = target.find(stage), stage.leader()
        began = time.time()
        with Ticking(stage.around.slack.url) as ticking:
            self._begin(change)
            operation, during = _await(lambda: self._under_way(known, change), f"the {change.name} to be under way")
            with ExitStack() as over:
                hit = time.time()
                over.callback(fault.undo, stage.faults, node, target.unit)
                fault.do(stage.faults, node, target.unit)
                in_place = time.time()
                _await(lambda: self._gone_on(operation, hit), f"the {change.name} to go on", CHANGE_SECONDS)
                if fault.passes:
                    over.close()
                _await(lambda: self._ended(operation), f"the end of the {change.name}", CHANGE_SECONDS)
                total = time.time() - began
            self.await_well()
            answered = ticking.first_answer(hit)
        unanswered = ticking.unanswered()
        seen = Seen(
            in_place=in_place,
            versions=[Operation.model_validate_json(it) for it in stage.etcd_history(keys.operation(operation), since)],
            requests=stage.around.cloud.requests.requests[asked:],
            started=self._units_started() - started,
            tokens_before=tokens,
            tokens_after=self._tokens(),
            cards=self._told(operation),
            leading=Leading(
                before=leader,
                next=fault.next if target.unit == FLSTR_UNIT else "nobody",
                written=stage.etcd_changes(keys.LEADER, since),
                logged=self._logged(began),
            ),
        )
        return Cell(
            *(fault.name, target.name, change.name, during, carried_on(seen.versions, hit, answered), total),
            *(ticking.commands, ticking.repeated, ticking.most_repeated, ticking.slowest(), unanswered, amiss(seen)),
        )

    def await_well(self) -> None:
        """Wait until every controller is there, and each has the connections to Slack that it wants."""
        wanted = dict.fromkeys(self.stage.controllers(), CONNECTIONS)
        _await(lambda: self.stage.are_back() or None, "all controllers to be well", BACK_SECONDS)
        _await(lambda: self.listening() == wanted or None, f"{wanted} connections to Slack", BACK_SECONDS)

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
        chat.command(DEVELOPER, change.words(self))
        if change.approved:
            card = chat.await_card(lambda it: it.record not in before and it.waits, "a card that asks for leave", 60.0)
            chat.click(OPERATOR, card, APPROVE)

    def _under_way(self, known: Collection[str], change: Change) -> tuple[str, str] | None:
        """The change's operation, and the title of a step of it that runs."""
        for name, operation in self._operations().items():
            titles = {step.id: step.title for step in operation.plan.steps}
            if name not in known and any(step.step.kind == change.kind for step in operation.plan.steps):
                running = [titles[step] for step, state in operation.steps.items() if state.status == "running"]
                return (name, running[0]) if running else None
        return None

    def _gone_on(self, name: str, hit: float) -> bool | None:
        operation = self._operations(name)[name]
        return operation.ended_already() or bool(progress(operation, hit)) or None

    def _ended(self, name: str) -> bool | None:
        return self._operations(name)[name].ended_already() or None

    def _told(self, operation: str) -> list[Told]:
        """The cards of an operation, which may tell its end a little later than etcd."""

        def cards() -> list[Card]:
            return [card for card in self.stage.chat.cards() if card.record == operation]

        with suppress(LabError):
            _await(lambda: all(card.ending for card in cards()) or None, f"the card of {operation} to end")
        return [Told(card.ending, self.stage.chat.thread(card)) for card in cards()]

    def _logged(self, since: float) -> list[Logged]:
        """Who has led, and begun steps, by the journals of all controllers."""
        stage = self.stage
        # The journal counts in whole seconds.
        journals = {node: stage.journal(node, since=since - 1) for node in stage.controllers()}
        return [line for node, journal in journals.items() for line in logged(node, journal, since)]

    def _operations(self, name: str = "") -> dict[str, Operation]:
        found = self.stage.etcd(keys.operation(name))
        return {key.removeprefix(keys.OPERATIONS): Operation.model_validate_json(it) for key, it in found.items()}

    def _units_started(self) -> Counter[tuple[str, str]]:
        """How often systemd has started each instance, and builds of whatever release (`flstr-build`), by worker."""
        found: Counter[tuple[str, str]] = Counter()
        look = f"journalctl --quiet --output=cat --output-fields=UNIT {_STARTED}"
        for node, units in self._inside(self._nodes("worker"), look).items():
            for unit in units.split():
                if unit.startswith("flstr-build-"):
                    found[node, "flstr-build"] += 1
                elif unit.startswith("flstr-backend-"):
                    found[node, unit] += 1
        return found

    def _tokens(self) -> dict[str, dict[str, int]]:
        """The greatest fencing tokens that each machine has seen."""
        look = "grep --recursive --with-filename '' /var/lib/flstr/fences || true"
        found = self._inside(self._nodes(), look)
        return {node: {name: int(token) for name, token in _FENCE.findall(said)} for node, said in found.items()}

    def _inside(self, nodes: Sequence[str], command: str) -> dict[str, str]:
        """What a command prints on each of some machines."""
        with ThreadPoolExecutor(len(nodes)) as pool:
            return dict(zip(nodes, pool.map(lambda node: self.stage.inside(node, command), nodes), strict=True))

    def _nodes(self, role: str = "") -> list[str]:
        return sorted(name for name in self.stage.servers() if name.startswith(role))


def _await(look: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """What there is to see once it is there; an etcd that does not answer for a while has nothing to show."""
    deadline, why = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if (found := look()) is not None:
                return found
        except LabError as error:
            why = f": {error}"
        time.sleep(LOOK_SECONDS)
    raise LabError(f"waited {seconds:.0f} s for {what}{why}")
