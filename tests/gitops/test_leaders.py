"""A leader that is lost: an operation of its own, which waits for nothing but what must not be left half done."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from gitops.leaders import AGAIN_SECONDS, PATIENCE_SECONDS, Leaders
from gitops.service_failover import Verdict
from model.operation import Operation
from model.registered import ServiceRecord
from model.service_steps import BackUpService, LeadService, RestoreService
from model.steps import Losses, Plan
from tests.gitops.flstr import Flstr
from tests.gitops.pretend import fail_at
from tests.gitops.service_scene import ONE, TWO, cache_yaml, cluster_yaml

LOST = Verdict("cache", TWO, ONE, (), 5.0)
ASTRAY = Verdict("cache", TWO, None, (ONE,), 3.0)


class Scene:
    """A cache on two machines, led by the first one, and the clock of whoever acts on verdicts."""

    def __init__(self, flstr: Flstr) -> None:
        self.flstr, self.now = flstr, 100.0
        flstr.cluster.push({"cluster.yaml": cluster_yaml(), "services/cache.yaml": cache_yaml((ONE, TWO))})
        assert {operation.status for operation in flstr.settle()} == {"done"}
        self.before = len(flstr.operations.all())
        self.leaders = Leaders(
            flstr.operations,
            flstr.worker.dispatch,
            lambda: flstr.worker.state().revision,
            flstr.worker.failover.wake,
            lambda: self.now,
        )

    def made(self) -> list[Operation]:
        """The operations that came of it."""
        return self.flstr.operations.all()[self.before :]

    def record(self) -> ServiceRecord:
        record = self.flstr.registry.read().services["cache"].record
        assert record is not None
        return record

    def alone(self, done: Callable[[], bool]) -> None:
        """Have the failover's thread alone work until something is so."""
        for _ in range(200):
            self.flstr.worker.failover.look()
            if done():
                return
            self.flstr.worker.dispatch.wait(1)
        raise AssertionError("it never came to that")


@pytest.fixture
def scene(flstr: Flstr) -> Scene:
    return Scene(flstr)


def test_another_one_leads_though_git_is_away_and_the_worker_waits(scene: Scene) -> None:
    bare = scene.flstr.cluster.bare
    bare.rename(bare.with_suffix(".away"))
    assert scene.leaders.act(LOST)
    scene.alone(lambda: [one.status for one in scene.made()] == ["done"])
    assert scene.record().leader == TWO
    (operation,) = scene.made()
    assert operation.plan.title == f"have {TWO} lead cache in the place of {ONE}, which is lost"
    assert [planned.step.kind for planned in operation.plan.steps] == ["service.lead", "routing.apply"]
    assert operation.origin.place == "by itself"


def test_nothing_more_follows_of_it(scene: Scene) -> None:
    scene.leaders.act(LOST)
    scene.flstr.settle()
    assert [one.status for one in scene.made()] == ["done"]


def test_the_same_is_made_once_and_what_failed_again_after_a_while_that_grows(scene: Scene) -> None:
    scene.flstr.pretend.before = fail_at("service.lead")
    assert scene.leaders.act(LOST)
    assert not scene.leaders.act(LOST)
    scene.flstr.settle()
    for wait in (AGAIN_SECONDS, 2 * AGAIN_SECONDS):
        assert not scene.leaders.act(LOST)
        scene.now += wait
        assert scene.leaders.act(LOST)
        scene.flstr.settle()
    assert [one.status for one in scene.made()] == ["failed"] * 3


def test_something_else_of_the_same_service_waits_for_nothing(scene: Scene) -> None:
    assert scene.leaders.act(LOST)
    scene.flstr.settle()
    assert scene.leaders.act(ASTRAY)
    scene.flstr.settle()
    assert scene.made()[-1].plan.title == f"have {ONE} do as {TWO} leads cache"


class Held:
    """An operation of the same service that is in the middle of its step, until the test lets it go."""

    def __init__(self, scene: Scene, plan: Plan) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.scene = scene
        scene.flstr.pretend.before = self._wait
        self.operation = scene.flstr.operations.create(plan, "0" * 40, scene.flstr.operations.all()[0].origin)
        while not self.begun.is_set():
            scene.flstr.look()

    def _wait(self, step: Any) -> None:
        if not isinstance(step, LeadService) and not self.go_on.is_set():
            self.begun.set()
            assert self.go_on.wait(180)

    def status(self) -> str:
        found = self.scene.flstr.operations.get(self.operation.id)
        assert found is not None
        return found.status


def plan_of(step: BackUpService | RestoreService, losses: Losses | None = None) -> Plan:
    planned = {"id": "a", "title": "a", "step": step}
    return Plan.model_validate({"title": "a", "steps": [planned], "locks": ["service-cache"], "losses": losses})


def test_what_is_under_way_is_given_its_time_and_then_up(scene: Scene) -> None:
    held = Held(scene, plan_of(BackUpService(service="cache")))
    assert not scene.leaders.act(LOST)
    (running,) = scene.flstr.worker.dispatch._under_way.values()
    assert not running.cancellation.cancelled
    later = Verdict("cache", TWO, ONE, (), PATIENCE_SECONDS)
    assert not scene.leaders.act(later)
    assert running.cancellation.why == f"{ONE}, which leads cache, is lost; {TWO} is to lead first"
    held.go_on.set()
    scene.flstr.settle()
    assert scene.leaders.act(later)
    scene.flstr.settle()
    assert scene.record().leader == TWO


@pytest.mark.parametrize(
    "plan",
    [
        plan_of(RestoreService(service="cache", backup="a")),
        plan_of(BackUpService(service="cache"), Losses(services=("cache",))),
    ],
)
def test_a_restore_or_what_was_approved_is_not_given_up(scene: Scene, plan: Plan) -> None:
    scene.flstr.worker._may_destroy = lambda _: None  # type: ignore[method-assign,assignment]
    scene.flstr.worker.dispatch._may_destroy = lambda _: None
    held = Held(scene, plan)
    assert not scene.leaders.act(Verdict("cache", TWO, ONE, (), 10 * PATIENCE_SECONDS))
    (running,) = scene.flstr.worker.dispatch._under_way.values()
    assert not running.cancellation.cancelled
    held.go_on.set()
    scene.flstr.settle()
    assert held.status() == "done"


def test_nobody_is_put_right_while_something_is_under_way(scene: Scene) -> None:
    held = Held(scene, plan_of(BackUpService(service="cache")))
    assert not scene.leaders.act(Verdict("cache", ONE, None, (TWO,), 10 * PATIENCE_SECONDS))
    (running,) = scene.flstr.worker.dispatch._under_way.values()
    assert not running.cancellation.cancelled
    held.go_on.set()
    scene.flstr.settle()
