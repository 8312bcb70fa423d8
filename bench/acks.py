"""How soon Slack has its acknowledgement while fifty operations change all the time, and the bot posts of them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import servers
from bench.figures import Figure, Group, timed
from bench.slack import CHANNEL, OPERATOR, bot, listener
from gitops.store import Store
from lab.slack.client import SlackControl
from model import keys
from model.cluster import Cluster
from model.operation import Operation, Origin, StepState
from model.steps import DestroyNode, Plan, PlannedStep

OPERATIONS = 50
STEPS = 20
# A step reports a line about as often.
CHANGES_A_SECOND = 2.0
COMMANDS = 300
PAUSE_SECONDS = 0.05


def measure(folder: Path) -> Iterator[Group]:
    """300 commands from typed to acknowledged, by the bot and by a listener that does nothing else."""
    with servers.etcd(folder) as endpoint:
        store = Store([endpoint])
        _put_cluster(store)
        with servers.slack() as (page, settings), bot(endpoint, settings, page), _changing(endpoint):
            busy = _commands(page)
        with servers.slack() as (page, settings), bot(endpoint, settings, page):
            quiet = _commands(page)
        with servers.slack() as (page, settings), listener(settings, page):
            floor = _commands(page)
        store.close()
    yield Group(
        f"Slack: from typed to acknowledged while {OPERATIONS} operations run",
        (
            Figure("/flstr status", busy, note=f"{STEPS} steps each, {CHANGES_A_SECOND:.0f} changes a second"),
            Figure("the same while nothing runs", quiet, note="the intent is in etcd by then, in both"),
            Figure("a bolt listener that only acknowledges", floor, "floor", "without etcd, while nothing runs"),
        ),
    )


def _commands(page: str) -> tuple[float, ...]:
    people = SlackControl(page)

    def ask() -> None:
        answer = people.type(OPERATOR, CHANNEL, "/flstr status")
        if not answer["acknowledged"]:
            raise RuntimeError(f"the command was not acknowledged: {answer}")

    timed(ask, 5)
    return timed(ask, COMMANDS, before=lambda: time.sleep(PAUSE_SECONDS))


def _put_cluster(store: Store) -> None:
    pools = {"worker": {"role": "worker", "count": 2}}
    people = {"operator": {"slack": OPERATOR, "email": "operator@flstr.lab", "may": ["read"]}}
    cluster = Cluster.model_validate({"cluster": "flstr-bench", "channel": "flstr", "pools": pools, "people": people})
    store.put(keys.CLUSTER, cluster.to_json())


def _operation(number: int) -> Operation:
    steps = tuple(
        PlannedStep(id=f"step-{index}", title=f"Step {index}", step=DestroyNode(node=f"worker{101 + index}"))
        for index in range(STEPS)
    )
    return Operation(
        id=f"op{number}",
        revision="a1b2c3d4" * 5,
        plan=Plan(title=f"Operation {number}", steps=steps),
        origin=Origin(person="operator", place="slack #flstr"),
        status="running",
        created=time.time(),
        started=time.time(),
    )


@contextmanager
def _changing(endpoint: str) -> Iterator[None]:
    """Operations whose records change all the time, as their steps report."""
    stopped = threading.Event()
    store = Store([endpoint])
    operations = [_operation(number) for number in range(OPERATIONS)]

    def change() -> None:
        turn = 0
        while not stopped.wait(1.0 / (OPERATIONS * CHANGES_A_SECOND)):
            operation = operations[turn % OPERATIONS]
            step = f"step-{turn // OPERATIONS % STEPS}"
            states = {**operation.steps, step: StepState(status="running", detail=json.dumps(turn), started=0.0)}
            operations[turn % OPERATIONS] = operation.model_copy(update={"steps": states})
            store.put(keys.operation(operation.id), operations[turn % OPERATIONS].to_json())
            turn += 1

    changing = threading.Thread(target=change, daemon=True)
    changing.start()
    try:
        yield
    finally:
        stopped.set()
        changing.join()
        store.close()
