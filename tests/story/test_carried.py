"""A cluster that carries itself, from its first day to its last: its machines tell that they live, one dies and comes
back, half of them are cut off, and in the end all of it goes."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hcloud.locations import Location

from lab.story.chat import APPROVE, DEVELOPER, OPERATOR, REVIEWER, Card
from lab.story.control_stage import FLSTR_UNIT, ControlStage
from lab.story.load import Load
from lab.story.load_client import Orders
from lab.story.load_records import Report
from lab.story.stage import APP_HOST
from model import keys
from tests.story.asked import await_settled, records
from tests.story.carried import CLUSTER, CONTROLLERS, INGRESS, NODES, WORKERS, Carried, carried, until

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

DEAD, ALIVE = WORKERS
# From the start of the command to its exit, as was asked for.
BOOTSTRAP_SECONDS = 180.0
CUT_OFF = (INGRESS, *WORKERS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Carried]:
    with carried(f"carried-{os.getpid()}") as cluster:
        yield cluster


@dataclass(frozen=True)
class Death:
    """A worker lost its power, and got it back. Times are Unix seconds."""

    before: dict[str, str]
    power_off_began: float
    power_was_off: float
    not_ready: float
    out: dict[str, float]
    told: str
    status_then: str
    status_dead: str
    moved: dict[str, str]
    told_back: str
    status_back: str
    after: dict[str, str]
    running: dict[str, list[str]]
    report: Report


@pytest.fixture(scope="module")
def death(cluster: Carried) -> Death:
    stage, chat = cluster.stage, cluster.stage.chat
    before = cluster.instances()
    lost = {instance for instance, node in before.items() if node == DEAD}
    with Load(Orders(stage.servers()[INGRESS], APP_HOST, websockets=0)) as load:
        load.wait_for(50)
        began = time.time()
        stage.cut_power(DEAD)
        off = time.time()
        until(lambda: DEAD in cluster.nodes_under(keys.NOT_READY), f"{DEAD} to be NotReady")
        not_ready, out = time.time(), {}
        # Of one that is not NotReady any more, but given up, it says something else.
        status_then = chat.command(OPERATOR, "/flstr status")
        for node in (INGRESS, ALIVE):
            until(partial(sends_nothing_to, cluster, node, lost), f"{node} to send nothing there")
            out[node] = time.time()
        told = chat.await_said(f":warning: {DEAD} is NotReady")
        moved = until(
            lambda: it if len(it := cluster.instances()) == 2 and DEAD not in it.values() else None,
            "the instances to be elsewhere",
        )
        status_dead = chat.command(OPERATOR, "/flstr status")
        load.wait_for(50)
    report = load.report
    stage.power_on(DEAD)
    until(lambda: stage.unit_state(DEAD, "flstr-node.service") == "active" or None, f"{DEAD} to have booted", 180.0)
    told_back = chat.await_said(f":white_check_mark: {DEAD} answers again", 60.0)
    status_back = chat.command(OPERATOR, "/flstr status")
    await_settled(stage)
    running = {node: cluster.running(node) for node in WORKERS}
    return Death(
        *(before, began, off, not_ready, out, told, status_then, status_dead, moved, told_back, status_back),
        *(cluster.instances(), running, report),
    )


def test_three_controllers_carry_themselves_within_three_minutes(cluster: Carried) -> None:
    assert cluster.bootstrap_took < BOOTSTRAP_SECONDS
    assert f"etcd and flstr run on {', '.join(CONTROLLERS)}. They speak in #flstr and follow " in cluster.bootstrap_said


def test_every_machine_is_enrolled_and_tells_that_it_lives(cluster: Carried) -> None:
    assert tuple(sorted(cluster.stage.servers())) == NODES
    assert cluster.nodes_under(keys.ENROLLED) == set(NODES)
    assert cluster.nodes_under(keys.ALIVE) == set(NODES)
    assert "changes nothing" in cluster.plan()


def test_a_worker_without_power_is_not_ready_and_that_is_told(death: Death) -> None:
    assert f"{DEAD} is NotReady: it has not answered for" in death.told
    assert f"• {DEAD} (worker" in death.status_then
    assert "NotReady for" in line_of(DEAD, death.status_then)
    assert "NotReady" not in line_of(ALIVE, death.status_then)
    print(f"\nNotReady {death.not_ready - death.power_was_off:.1f} s after its power was cut")


def test_nobody_sends_anything_there_from_then_on(death: Death) -> None:
    assert death.out.keys() == {INGRESS, ALIVE}
    for node, at in death.out.items():
        print(f"\n{node}: out of HAProxy {at - death.not_ready:.1f} s after it was NotReady")


def test_its_instances_are_placed_elsewhere_once_it_is_given_up(death: Death) -> None:
    assert DEAD in death.before.values()
    assert set(death.moved.values()) == {ALIVE}
    assert "has not answered for" in line_of(DEAD, death.status_dead)


def test_users_lose_nothing_but_what_was_under_way_to_it(death: Death) -> None:
    report = death.report
    assert report.between(death.power_was_off, death.not_ready).requests > 100
    assert report.between(death.not_ready, time.time()).requests > 100
    late = [one for one in report.failures if one.began > death.power_was_off or one.ended < death.power_off_began]
    print(f"\n{report.requests} requests, {len(report.failures)} failed")
    assert late == []


def test_it_is_ready_again_once_it_has_power_and_nothing_runs_twice(cluster: Carried, death: Death) -> None:
    assert f"{DEAD} answers again" in death.told_back
    assert "NotReady" not in line_of(DEAD, death.status_back)
    assert "has not answered" not in line_of(DEAD, death.status_back)
    assert len(death.after) == 2
    units = {node: [unit_of(it) for it, at in sorted(death.after.items()) if at == node] for node in WORKERS}
    assert death.running == units
    assert cluster.nodes_under(keys.ALIVE) == set(NODES)
    assert "changes nothing" in cluster.plan()


def test_where_half_of_them_are_cut_off_it_is_the_network_and_nothing_is_moved(cluster: Carried, death: Death) -> None:
    stage, known = cluster.stage, records(cluster.stage)
    before = cluster.instances()
    for node in CUT_OFF:
        stage.faults.cut_off(node, CONTROLLERS)
    try:
        stage.chat.await_said(":warning: 3 of 6 machines do not answer at once", 60.0)
        assert cluster.nodes_under(keys.NOT_READY) == set()
        assert cluster.instances() == before
    finally:
        for node in CUT_OFF:
            stage.faults.heal(node)
    until(lambda: cluster.nodes_under(keys.ALIVE) == set(NODES) or None, "all of them to live")
    assert "changes nothing" in cluster.plan()
    assert cluster.instances() == before
    assert records(stage) == known
    (told,) = [text for text in stage.chat.said() if "do not answer at once" in text]
    assert "it is the network" in told


def test_a_shell_asks_back_before_the_cluster_goes_and_does_not_know_another_one(cluster: Carried) -> None:
    status, said = cluster.shell("destroy", "another-cluster")
    assert status == 1
    assert "another-cluster" in said
    assert CLUSTER in said
    assert len(said.strip().splitlines()) == 1
    status, said = cluster.shell("destroy", CLUSTER)
    assert status == 0
    assert f"Nothing is done yet; destroy {CLUSTER} --yes does it." in said
    assert "dissolved" not in cluster.stage.cluster_log()


def test_said_in_a_shell_it_waits_for_leave_and_can_be_taken_back(cluster: Carried) -> None:
    stage, known = cluster.stage, records(cluster.stage)
    status, said = cluster.shell("destroy", CLUSTER, "--yes")
    assert status == 0
    assert f"The whole cluster {CLUSTER} is to go: committed as" in said
    card = cluster.asks_for_leave(known)
    stage.merge("keep-it", {"dissolved: true": "dissolved: false"}, person="operator")
    stage.chat.await_card(lambda it: it.record == card.record and it.ending == "void", "the card to be void", 60.0)
    await_settled(stage)
    assert len(stage.servers()) == len(NODES)


@dataclass(frozen=True)
class End:
    """The cluster was taken down from Slack, and whoever led was killed in the middle of it."""

    asked_back: str
    committed: str
    log: str
    card: Card
    refused: dict[str, str]
    deleted: list[str]
    said: list[str]
    last_cards: list[Card]


@pytest.fixture(scope="module")
def end(cluster: Carried) -> End:
    stage, chat = cluster.stage, cluster.stage.chat
    cloud: Any = cluster.cloud()
    # Something that nobody knows, and that would be paid for.
    cloud.volumes.create(10, "data", location=Location(name="fsn1"), labels={"cluster": CLUSTER})
    names = {f"/servers/{server.id}": server.name for server in cloud.servers.get_all()}
    known, asked = records(stage), len(stage.around.cloud.requests.requests)
    asked_back = chat.command(DEVELOPER, f"/flstr destroy {CLUSTER}")
    committed = chat.command(DEVELOPER, f"/flstr destroy {CLUSTER} --yes")
    log = stage.cluster_log()
    card = cluster.asks_for_leave(known)
    refused = chat.submit(REVIEWER, chat.open(REVIEWER, card), "another-cluster")
    chat.press(OPERATOR, card, APPROVE)
    until(lambda: len(stage.servers()) < len(NODES) or None, "the first machine to go")
    until(lambda: leader_killed(stage) or None, "whoever leads by now to be killed")
    until(lambda: not stage.servers(), "all machines to go", 180.0)
    requests = [it for it in stage.around.cloud.requests.requests[asked:] if it.method == "DELETE" and it.status < 300]
    deleted = [names.get(it.path, it.path) for it in requests]
    last_cards = [it for it in chat.cards() if it.record not in known]
    return End(asked_back, committed, log, card, refused, deleted, chat.said(), last_cards)


def test_slack_asks_back_before_the_cluster_goes_and_then_it_is_a_commit(end: End) -> None:
    assert f"`destroy {CLUSTER} --yes` does it" in end.asked_back
    assert f"The whole cluster {CLUSTER} is to go: committed as" in end.committed
    assert end.log.startswith(f"developer <developer@flstr.lab>\nDestroy the cluster {CLUSTER}\n")


def test_the_card_says_what_goes_and_wants_the_clusters_name_typed(end: End) -> None:
    said = "\n".join(end.card.sections)
    assert all(node in said for node in NODES)
    assert CLUSTER in said
    assert end.refused


def test_the_controllers_go_last_though_the_one_that_led_was_killed(end: End) -> None:
    machines = [name for name in end.deleted if name in NODES]
    assert sorted(machines) == sorted(NODES)
    assert set(machines[-3:]) == set(CONTROLLERS)
    assert end.deleted[-1] == machines[-1]


def test_the_channel_hears_of_the_end_before_it_comes_and_nothing_is_left_under_way(end: End) -> None:
    assert end.said[-1].startswith(f":checkered_flag: *{CLUSTER}* ends now")
    (card,) = end.last_cards
    assert card.record == end.card.record
    assert card.text.startswith(f"end the cluster {CLUSTER}: the last machines are given back now")
    assert {status for _, status in card.tasks} == {"complete", "pending"}


def test_nothing_is_left_in_the_cloud_that_was_not_there_before_the_cluster(cluster: Carried, end: End) -> None:
    assert cluster.left() == {}


def test_a_shell_says_in_a_sentence_that_nobody_is_there_any_more(cluster: Carried, end: End) -> None:
    status, said = cluster.shell("status")
    assert status == 1
    assert len(said.strip().splitlines()) == 1, said


def leader_killed(stage: ControlStage) -> bool:
    """End the flstr that leads, if any does; on a busy machine it may be another one than a moment ago. Raises
    LabError where it has just ended by itself."""
    leader = stage.leader()
    if leader:
        stage.faults.kill(leader, FLSTR_UNIT)
    return leader != ""


def sends_nothing_to(cluster: Carried, node: str, instances: set[str]) -> bool:
    return instances.isdisjoint(cluster.sent_to(node))


def line_of(node: str, status: str) -> str:
    """What `status` says of a machine."""
    (line,) = [line for line in status.splitlines() if line.startswith(f"• {node} ")]
    return line


def unit_of(instance: str) -> str:
    return f"flstr-backend-influencer-{instance}.service"
