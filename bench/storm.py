"""How old a card's news is when a hundred operations run at once, within what Slack takes."""

import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import servers
from bench.figures import Figure, Group
from bench.report import duration
from bench.slack import bot
from bot.cards import operation_card
from gitops.store import Store
from lab.slack.client import SlackControl
from lab.slack.wire import Json
from model import keys
from model.operation import Operation, Origin, StepState, StepStatus
from model.steps import DestroyNode, Plan, PlannedStep

OPERATIONS = 100
STEPS = 20
STEP_SECONDS = (1.0, 5.0)
# Of so many operations, one was asked for by a person, and one fails.
ASKED_OF, FAILS_OF = 10, 20
SILENCE_SECONDS = 65.0
LOOK_SECONDS = 0.5
SEED = 6

_RECORD = re.compile(r"""record['"]: ?['"]([^'"]+)['"]""")


@dataclass(frozen=True)
class Change:
    """A state of an operation, and when it was written to etcd."""

    operation: Operation
    at: float


@dataclass(frozen=True)
class News:
    """What a post or an edit of a card showed, and when Slack had it."""

    record: str
    text: str
    at: float


def measure(folder: Path) -> Iterator[Group]:
    """100 operations of 20 steps, all begun at once, with the lab's Slack at its default limits; over one alone."""
    with servers.etcd(folder) as endpoint:
        alone, _ = _played(endpoint, 1)
        storm, calls = _played(endpoint, OPERATIONS)
    ages, waits = _ages(storm), _waits(storm)
    yield Group(
        f"Slack: {OPERATIONS} operations of {STEPS} steps at once",
        (
            Figure("age of a card's news", ages, note=f"{_p95(ages)}; {calls}"),
            Figure("until a change is shown, or a newer one", waits, note=f"{_p95(waits)}; {len(waits)} changes"),
            Figure("age of a card's news, one operation alone", _ages(alone), "floor"),
        ),
    )


def play(store: Store, count: int, rng: random.Random) -> list[Change]:
    """Begin so many operations at once, and write each step of each as it ends; every change, in order."""
    began = time.monotonic()
    times = [(0.0, number, 0) for number in range(count)]
    for number in range(count):
        at = 0.0
        for step in range(1, STEPS + 1):
            at += rng.uniform(*STEP_SECONDS)
            times.append((at, number, step))
    changes = []
    for at, number, step in sorted(times):
        time.sleep(max(0.0, began + at - time.monotonic()))
        operation = state(number, step)
        store.put(keys.operation(operation.id), operation.to_json())
        changes.append(Change(operation, time.time()))
    return changes


def state(number: int, done: int) -> Operation:
    """Operation `number` once `done` of its steps are over."""
    steps = tuple(
        PlannedStep(id=f"step-{index}", title=f"Step {index}", step=DestroyNode(node=f"worker{101 + index}"))
        for index in range(STEPS)
    )
    ended = done == STEPS
    fails = number % FAILS_OF == 0
    statuses: list[StepStatus] = ["done" if index < done else "waiting" for index in range(STEPS)]
    if ended:
        statuses[-1] = "failed" if fails else "done"
    else:
        statuses[done] = "running"
    asked = number % ASKED_OF == 1
    return Operation(
        id=f"storm-{number}",
        revision="a1b2c3d4" * 5,
        plan=Plan(title=f"Operation {number}", steps=steps),
        origin=Origin(person="developer", place="slack #flstr")
        if asked
        else Origin(display="flstr", place="by itself"),
        status=("failed" if fails else "done") if ended else "running",
        steps={step.id: StepState(status=status) for step, status in zip(steps, statuses, strict=True)},
        created=time.time(),
        started=time.time(),
        ended=time.time() if ended else None,
    )


def news(calls: Sequence[Json]) -> list[News]:
    """Every post and edit of a card that Slack took, in order."""
    found = []
    for call in calls:
        record = _RECORD.search(str(call["args"].get("metadata", "")))
        if call["ok"] and call["method"] in ("chat.postMessage", "chat.update") and record and "/" not in record[1]:
            found.append(News(record[1], str(call["args"]["text"]), float(call["at"])))
    return found


def await_ends(people: SlackControl, changes: Sequence[Change]) -> None:
    """Wait until every card shows how its operation ended; raises where Slack hears nothing for over a minute."""
    wanted = {change.operation.id: _shown(change) for change in changes}
    while True:
        told = news(people.calls())
        if {one.record: one.text for one in told} == wanted:
            return
        if told and time.time() - told[-1].at > SILENCE_SECONDS:
            raise RuntimeError("not every card shows how its operation ended")
        time.sleep(LOOK_SECONDS)


@dataclass(frozen=True)
class _Story:
    changes: tuple[Change, ...]
    news: tuple[News, ...]


def _played(endpoint: str, count: int) -> tuple[_Story, str]:
    with servers.slack() as (page, settings), bot(endpoint, settings, page):
        people, store = SlackControl(page), Store([endpoint])
        try:
            store.delete_prefix(keys.OPERATIONS)
            store.delete_prefix(keys.CARDS)
            changes = play(store, count, random.Random(SEED))  # noqa: S311 - the same storm each time
            await_ends(people, changes)
        finally:
            store.close()
        calls = people.calls()
    posts, edits = (sum(call["method"] == method for call in calls) for method in ("chat.postMessage", "chat.update"))
    limited = sum(call["error"] == "ratelimited" for call in calls)
    return _Story(tuple(changes), tuple(news(calls))), f"{posts} posts, {edits} edits, {limited} refused by limits"


def _ages(story: _Story) -> tuple[float, ...]:
    """From the newest change that a post or an edit shows until Slack had it."""
    written = {(change.operation.id, _shown(change)): change.at for change in story.changes}
    return tuple(one.at - written[one.record, one.text] for one in story.news)


def _waits(story: _Story) -> tuple[float, ...]:
    """From each change until Slack had it, or a newer one."""
    order = {(change.operation.id, _shown(change)): index for index, change in enumerate(story.changes)}
    told: dict[str, list[tuple[int, float]]] = {}
    for one in story.news:
        told.setdefault(one.record, []).append((order[one.record, one.text], one.at))
    return tuple(
        next(at for shown, at in told[change.operation.id] if shown >= index) - change.at
        for index, change in enumerate(story.changes)
    )


def _shown(change: Change) -> str:
    return operation_card(change.operation).text


def _p95(seconds: tuple[float, ...]) -> str:
    return f"p95 {duration(Figure('', seconds).percentile(0.95))}"
