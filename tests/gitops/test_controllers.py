"""An operation goes on whatever happens to the controller that leads, or to a member of etcd: no step is lost, none is
begun again once it was done, and whoever was overtaken does nothing more.
"""

import itertools
import time
from collections.abc import Iterator

import pytest

from tests.gitops.controllers import STEPS, Controller, Controllers, controllers

AMONG_THEM = 3


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controllers]:
    with controllers(tmp_path_factory.mktemp("controllers")) as scene:
        yield scene


def in_the_middle(scene: Controllers) -> str:
    """An operation of which some steps are done."""
    operation = scene.begin()
    scene.until(lambda: len(scene.lines(operation)) > 2 * AMONG_THEM)
    return operation


def carried_on(scene: Controllers, operation: str, what: str) -> None:
    """Wait until the next step has begun, and until the operation is done; say how long the first took."""
    told, since = len(scene.lines(operation)), time.monotonic()
    scene.until(lambda: any(line.what == "begin" for line in scene.lines(operation)[told:]))
    print(f"{what}: carried on after {time.monotonic() - since:.1f} s")
    scene.until(lambda: scene.operation(operation).ended_already())


def nothing_lost_and_nothing_doubled(scene: Controllers, operation: str) -> None:
    assert scene.operation(operation).status == "done"
    assert {state.status for state in scene.operation(operation).steps.values()} == {"done"}
    lines = scene.lines(operation)
    begun = [line for line in lines if line.what == "begin"]
    assert len({line.step for line in lines if line.what == "end"}) == STEPS
    # A step begins when the one before it is done, so whoever goes back begins again what was done.
    assert [line.step for line in begun] == sorted(line.step for line in begun)
    assert [line.token for line in begun] == sorted(line.token for line in begun), "who was overtaken acted"
    # What was under way may begin again, and that once for each new leader, and each time etcd did not answer it.
    again = [step for step, times in itertools.groupby(begun, key=lambda line: line.step) if len([*times]) > 1]
    assert len(again) <= len({line.token for line in begun}) - 1 + scene.silences()


def overtaken(scene: Controllers, leader: Controller) -> None:
    """Whoever led ends with status 70, is begun again, and follows."""
    assert leader.ended_with() == 70
    follows(scene, leader)


def follows(scene: Controllers, controller: Controller) -> None:
    controller.start()
    scene.await_all()
    assert scene.leading() != controller.name


def test_the_leader_is_killed(scene: Controllers) -> None:
    leader, operation = scene.leader(), in_the_middle(scene)
    leader.kill()
    carried_on(scene, operation, "leader killed")
    nothing_lost_and_nothing_doubled(scene, operation)
    follows(scene, leader)


def test_the_leader_is_stopped_and_goes_on_when_another_one_has_led(scene: Controllers) -> None:
    leader, operation = scene.leader(), in_the_middle(scene)
    leader.stop()
    carried_on(scene, operation, "leader stopped")
    leader.resume()
    overtaken(scene, leader)
    nothing_lost_and_nothing_doubled(scene, operation)


def test_the_leader_is_cut_off_from_etcd(scene: Controllers) -> None:
    leader, operation = scene.leader(), in_the_middle(scene)
    leader.ways.cut()
    carried_on(scene, operation, "leader cut off")
    assert leader.ended_with() == 70
    leader.ways.heal()
    follows(scene, leader)
    nothing_lost_and_nothing_doubled(scene, operation)


def test_the_member_that_leads_etcd_is_killed(scene: Controllers) -> None:
    member, operation = scene.etcd.leader(), in_the_middle(scene)
    member.kill()
    carried_on(scene, operation, "etcd's leader killed")
    member.start()
    scene.etcd.await_all()
    nothing_lost_and_nothing_doubled(scene, operation)


def test_the_member_that_leads_etcd_is_stopped(scene: Controllers) -> None:
    member, operation = scene.etcd.leader(), in_the_middle(scene)
    member.stop()
    carried_on(scene, operation, "etcd's leader stopped")
    member.resume()
    scene.etcd.await_all()
    nothing_lost_and_nothing_doubled(scene, operation)


def test_the_leaders_own_member_is_stopped(scene: Controllers) -> None:
    leader = scene.leader()
    member = scene.etcd.members[scene.all.index(leader)]
    # An election would come on top, and may last longer than the lease does.
    scene.etcd.lead_elsewhere(member)
    operation = in_the_middle(scene)
    member.stop()
    carried_on(scene, operation, "the leader's own member stopped")
    assert scene.leading() == leader.name, "it goes on by another one"
    member.resume()
    scene.etcd.await_all()
    nothing_lost_and_nothing_doubled(scene, operation)
