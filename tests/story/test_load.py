"""An app is updated, scaled and moved under load, and a machine dies: who asks notices only the death."""

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.story.chapters import Story
from lab.story.chat import DEVELOPER, OPERATOR
from lab.story.load import Load
from lab.story.load_client import Orders
from lab.story.load_records import Report, Request, Socket
from lab.story.narrator import Silent
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from model.operation import Operation
from model.steps import DrainInstance, StopInstance
from tests.story.asked import ask_and_await
from tests.story.views import registered

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

WISHES = Wishes(
    edits={
        "count: 2\n    first: 101": "count: 3\n    first: 101",
        "healthy_deadline: 30s": "healthy_deadline: 30s\n  min_healthy_time: 500ms\n  drain: 3s",
    }
)
WORKERS = {"worker101", "worker102", "worker103"}
UPDATES = 10
SOCKETS = 4
DEAD_AFTER = {"channel: flstr\n": "channel: flstr\ndead_after: 10s\n"}
MOVED_SECONDS = 120.0
COUNTED_SERVERS = """python3 -c '
import socket
haproxy = socket.socket(socket.AF_UNIX)
haproxy.connect("/run/haproxy/admin.sock")
haproxy.sendall(b"show stat -1 4 -1\\n")
print(haproxy.makefile().read().lstrip("# "))
'"""
FAULTS = ("econ", "eresp", "srv_abrt", "hrsp_5xx")
# The shell that waits on a machine counts whole seconds.
COUNTED_SECONDS = 1.0
# Until its client has noticed that a websocket ended; on a busy machine it may be late, but what ends once the next
# instance has begun to drain might have ended for that.
NOTICED_SECONDS, LATE_SECONDS = 1.0, 5.0


@dataclass(frozen=True)
class Counted:
    """What the ingress's HAProxy has counted of an instance: what it sent there, and what went wrong there."""

    requests: int
    faults: int


@dataclass(frozen=True)
class Played:
    """What was done while the load went on, and all that the load wrote down."""

    report: Report
    updates: tuple[Operation, ...]
    scaled: tuple[Operation, ...]
    drained: Operation
    drained_node: str
    nodes_when_drained: tuple[str, ...]
    dead_node: str
    survivor: str
    power_off_began: float
    power_was_off: float
    counted_before: dict[str, Counted]
    counted_after: dict[str, Counted]

    def was_under_way_at_the_cut(self, request: Request) -> bool:
        """Whether a request may have been on the machine that died."""
        return request.began <= self.power_was_off and request.ended >= self.power_off_began

    @property
    def last_node(self) -> str:
        """The one worker that neither was drained nor died."""
        (node,) = WORKERS - {self.drained_node, self.dead_node}
        return node

    @property
    def operations(self) -> tuple[Operation, ...]:
        return (*self.updates, *self.scaled, self.drained)


@pytest.fixture(scope="module")
def played(stage: Stage) -> Played:
    story = Story(stage, Silent())
    story.build_up()
    with Load(Orders(story.ingress(), APP_HOST, websockets=SOCKETS)) as load:
        load.wait_for(100)
        updates = tuple(update(stage))
        scaled = tuple(ask_and_await(stage, DEVELOPER, f"/flstr scale influencer {count}") for count in (1, 4, 2))
        drained_node = nodes_of_instances(stage)[0]
        drained = ask_and_await(stage, DEVELOPER, f"/flstr drain {drained_node}")
        nodes = nodes_of_instances(stage)
        dead_node = nodes[-1]
        (survivor,) = (name for name, node in placed(stage).items() if node != dead_node)
        merge_dead_after(stage)
        load.wait_for(100)
        before = counted(stage)
        began = time.time()
        stage.cut_power(dead_node)
        off = time.time()
        await_moved(stage, dead_node)
        load.wait_for(500)
        after = counted(stage)
    return Played(
        load.report, updates, scaled, drained, drained_node, nodes, dead_node, survivor, began, off, before, after
    )


def counted(stage: Stage) -> dict[str, Counted]:
    """The counts of each instance of the app, by its name."""
    rows = csv.DictReader(stage.in_host(stage.servers()["ingress016"], COUNTED_SERVERS).splitlines())
    return {
        row["svname"]: Counted(int(row["stot"]), sum(int(row[fault] or 0) for fault in FAULTS))
        for row in rows
        if row["pxname"] == "backend-influencer"
    }


def update(stage: Stage) -> Iterator[Operation]:
    """Two commits take turns."""
    commits = [stage.app_commit("main"), stage.app_commit("main~1")]
    for number in range(UPDATES):
        yield ask_and_await(stage, DEVELOPER, f"/flstr deploy influencer@{commits[number % 2][:12]}")


def placed(stage: Stage) -> dict[str, str]:
    """Each instance of the app, and the machine that it is on."""
    return {name: record.node for name, record in registered(stage).apps["backend", "influencer"].instances.items()}


def nodes_of_instances(stage: Stage) -> tuple[str, ...]:
    return tuple(sorted(placed(stage).values()))


def merge_dead_after(stage: Stage) -> None:
    """A machine counts as dead soon; only now, so that one that is merely slow did not before."""
    revision = stage.merge("dead-sooner", DEAD_AFTER, person="operator")
    stage.chat.await_answer(OPERATOR, "/flstr status", f"follows `{revision[:8]}`")


def await_moved(stage: Stage, dead: str) -> None:
    deadline = time.monotonic() + MOVED_SECONDS
    while dead in (nodes := nodes_of_instances(stage)) or len(nodes) != 2:
        assert time.monotonic() < deadline, f"the instances are on {nodes}, and {dead} is dead"
        time.sleep(0.5)


def test_all_of_it_was_done(played: Played) -> None:
    assert len(played.updates) == UPDATES
    assert {operation.status for operation in played.operations} == {"done"}
    assert len({operation.id for operation in played.operations}) == UPDATES + 3 + 1


def test_the_load_was_one(played: Played) -> None:
    kinds = {request.kind for request in played.report.asked}
    assert kinds == {"kept", "short", "websocket"}
    for operation in played.operations:
        assert operation.started is not None
        assert operation.ended is not None
        assert played.report.between(operation.started, operation.ended).requests > 100
    assert {answer.split()[1] for answer in played.report.answers} == {"first", "second"}


def test_no_request_failed_until_a_machine_died(played: Played) -> None:
    assert [one for one in played.report.failures if one.ended < played.power_off_began] == []


def test_the_death_of_a_machine_cost_at_most_the_requests_that_were_under_way(played: Played) -> None:
    assert [one for one in played.report.failures if not played.was_under_way_at_the_cut(one)] == []


def test_an_instance_that_lived_on_had_no_part_in_what_failed_when_a_machine_died(played: Played) -> None:
    before, after = played.counted_before[played.survivor], played.counted_after[played.survivor]
    assert after.requests > before.requests
    assert after.faults == before.faults


def test_a_websocket_lives_until_its_instance_has_drained_for_as_long_as_the_manifest_says(played: Played) -> None:
    ended = [one for one in played.report.sockets if one.end != "ours" and one.ended < played.power_off_began]
    # Each update replaces both instances, and with them every websocket.
    assert len(ended) >= UPDATES * SOCKETS
    assert [socket for socket in ended if not was_waited_for(socket, played.operations)] == []


def was_waited_for(socket: Socket, operations: tuple[Operation, ...]) -> bool:
    """Whether it ended when an instance went that had been drained for the whole limit."""
    drains = [at for operation in operations for at in drains_began(operation)]
    return any(
        earliest <= socket.ended <= noticed(gone, drains)
        for operation in operations
        for earliest, gone in limits_reached(operation)
    )


def noticed(gone: float, drains: list[float]) -> float:
    """Until when the end of a websocket may be that of an instance which was gone then."""
    following = min((at for at in drains if at > gone), default=gone + LATE_SECONDS)
    return min(gone + LATE_SECONDS, max(gone + NOTICED_SECONDS, following))


def drains_began(operation: Operation) -> list[float]:
    drains = [step.id for step in operation.plan.steps if isinstance(step.step, DrainInstance)]
    return [began for name in drains if (began := operation.steps[name].started) is not None]


def limits_reached(operation: Operation) -> Iterator[tuple[float, float]]:
    """Of each instance that went: when its drain had lasted for the limit, and when it was gone."""
    steps = {step.id: step.step for step in operation.plan.steps}
    drained = {step.instance: (name, step) for name, step in steps.items() if isinstance(step, DrainInstance)}
    for name, step in steps.items():
        if isinstance(step, StopInstance) and step.instance in drained:
            drain_id, drain = drained[step.instance]
            began, gone = operation.steps[drain_id].started, operation.steps[name].ended
            if began is not None and gone is not None:
                yield began + drain.within - COUNTED_SECONDS, gone


def test_a_websocket_on_another_machine_than_the_one_that_died_lives_on(played: Played) -> None:
    ended = [one for one in played.report.sockets if one.end != "ours" and one.ended >= played.power_off_began]
    assert [socket for socket in ended if socket.opened > played.power_was_off] == []
    assert len(ended) <= SOCKETS


def test_no_instance_stays_on_a_worker_that_is_drained(played: Played) -> None:
    assert set(played.nodes_when_drained) == WORKERS - {played.drained_node}


def test_the_instances_of_the_dead_machine_run_elsewhere(stage: Stage, played: Played) -> None:
    address = stage.servers()[played.last_node]
    units = stage.in_host(
        address, "systemctl list-units --plain --no-legend --state=active 'flstr-backend-influencer-*'"
    )
    instances = registered(stage).apps["backend", "influencer"].instances
    assert len(instances) == 2
    assert {line.split()[0] for line in units.splitlines()} == {
        f"flstr-backend-influencer-{name}.service" for name in instances
    }
