"""How soon users are served again after the ingress that holds a floating IP has died, on lab hosts."""

import http.client
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.figures import Figure, Group
from cli.etcd import ENDPOINT_FILE
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.store import Store
from lab.cloud.settings import CloudSettings
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from model import keys
from model.locks import floating_ip_lock

RUNS = 5
WITHIN_SECONDS = 120.0
NAME = "public"
# The real cloud takes about a second to move an address.
MOVE_SECONDS = 1.0
WISHES = Wishes(
    cloud=CloudSettings(move_seconds=MOVE_SECONDS),
    edits={
        "    count: 1\n    first: 16": "    count: 2\n    first: 16",
        "people:\n  operator:": f"floating_ips:\n  {NAME}: {{}}\n\npeople:\n  operator:",
    },
)


@dataclass(frozen=True)
class Failover:
    """When each thing had happened, in seconds since the power was cut."""

    noticed: float
    planned: float
    assigned: float
    answered: float


def measure() -> Iterator[Group]:
    """The two ingresses die in turn; each is back, and has let go, before the other one dies."""
    with Stage(f"bench-{os.getpid()}", WISHES) as stage:
        stage.flstr.start()
        stage.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
        store = Store([(stage.around.state / ENDPOINT_FILE).read_text().strip()])
        try:
            runs = [_fail_over(stage, store) for _ in range(RUNS)]
        finally:
            store.close()
    figures = {
        "noticed: three looks in a row were in vain": [run.noticed for run in runs],
        "planned: the operation is in etcd": [run.planned for run in runs],
        f"assigned: the machine has it, and the cloud, which takes {MOVE_SECONDS:.0f} s": [
            run.assigned for run in runs
        ],
        "answered: the first good answer at the floating IP": [run.answered for run in runs],
    }
    yield Group(
        "an ingress without power, until the other one answers at its floating IP; each since the cut",
        tuple(Figure(name, tuple(seconds)) for name, seconds in figures.items()),
    )


def _fail_over(stage: Stage, store: Store) -> Failover:
    registry = Registry(store)
    _until(lambda: _is_settled(registry), "the floating IP to be held and answered at by one machine alone")
    record = registry.read().floating_ips[NAME]
    holder, address = record.node or "", str(record.ip)
    _until(lambda: _answers(address), "an answer before the power is cut")
    noticed: list[float] = []

    def hear(_: str, value: str | None) -> None:
        if value is not None:
            noticed.append(time.time())

    with store.follow(keys.unreachable(holder), hear):
        began = time.time()
        stage.cut_power(holder)
        _until(lambda: _answers(address), "an answer after the power was cut")
        answered = time.time()
    lock = floating_ip_lock(NAME)
    _until(lambda: registry.read().floating_ips[NAME].node != holder, "the move to be noted")
    operation = [one for one in Operations(store).all() if lock in one.plan.locks][-1]
    held = operation.steps[f"hold-{NAME}"].ended
    stage.power_on(holder)
    return Failover(noticed[0] - began, operation.created - began, (held or answered) - began, answered - began)


def _is_settled(registry: Registry) -> bool:
    """Whether one machine holds the address and answers there, no other does, and both are seen to live."""
    tree = registry.read()
    record = tree.floating_ips.get(NAME)
    alone = record is not None and record.node is not None and tree.floated == {record.node: (str(record.ip),)}
    return alone and not tree.unreachable and not tree.dead


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=0.2)
    try:
        connection.request("GET", "/", headers={"Host": APP_HOST})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {WITHIN_SECONDS:.0f} s for {what}")
        time.sleep(0.02)
