"""Operations are carried out step by step, side by side where they may, and go on after a kill."""

import threading

import pytest

from gitops.executor import StepContext
from gitops.operations import Operations
from gitops.plan import plan
from gitops.progress import Progress
from gitops.registry import Registry
from gitops.runner import Runner
from gitops.store import Store
from model import keys
from model.errors import Fenced, StepFailed, Unreadable
from model.operation import Operation, Origin, StepTask, StepTasks
from model.registered import Registered
from model.steps import Losses, Plan, PlannedStep, RemoveEtcdMember, RetireController, Step
from tests.gitops.pretend import Pretend, fail_at
from tests.gitops.scene import manifests


@pytest.fixture
def registry(store: Store) -> Registry:
    store.put(keys.CLUSTER, manifests().cluster.to_json())
    return Registry(store)


@pytest.fixture
def operation(store: Store) -> Operation:
    return Operations(store).create(plan(manifests(), Registered()).change, "a" * 40, Origin())


def nobody_may(_: Operation) -> None:
    raise AssertionError("a plan that destroys nothing was asked whether it may")


def run(registry: Registry, pretend: Pretend, operation: Operation) -> Operation:
    return Runner(Operations(registry.store), registry, pretend.executors(), token=1).run(operation, nobody_may)


def test_every_step_runs_once_and_after_those_it_waits_for(registry: Registry, operation: Operation) -> None:
    pretend = Pretend()
    ended = run(registry, pretend, operation)
    assert ended.status == "done"
    assert {state.status for state in ended.steps.values()} == {"done"}
    order = [kind for kind in pretend.done if kind != "registry.write"]
    assert order == ["node.create"] * 4 + ["mesh.join", "overlay.join"] + [*order[6:10]] + [
        "routing.apply",
        "instance.watch",
    ]
    assert Operations(registry.store).get(operation.id) == ended
    assert len(registry.read().apps["backend", "influencer"].instances) == 2


def test_the_tasks_of_a_step_are_written_down_with_its_end(registry: Registry, operation: Operation) -> None:
    tasks = [StepTasks(shown=(StepTask(name=f"task {number}", status="running"),)) for number in range(50)]
    pretend = Pretend()
    executors = dict(pretend.executors())

    def shows(step: Step, context: StepContext) -> None:
        for one in tasks:
            context.tasks(one)

    executors["overlay.join"] = shows
    ended = Runner(Operations(registry.store), registry, executors, token=1).run(operation, nobody_may)
    (step,) = [planned.id for planned in operation.plan.steps if planned.step.kind == "overlay.join"]
    assert ended.steps[step].tasks == tasks[-1]
    assert Operations(registry.store).get(operation.id) == ended


def test_machines_are_rented_side_by_side(registry: Registry, operation: Operation) -> None:
    pretend = Pretend()
    all_there = threading.Barrier(4, timeout=60)

    def meet(step: Step) -> None:
        if step.kind == "node.create":
            all_there.wait()

    pretend.before = meet
    assert run(registry, pretend, operation).status == "done"


def test_a_failed_step_ends_the_operation_and_says_why(registry: Registry, operation: Operation) -> None:
    pretend = Pretend()
    pretend.before = fail_at("release.build", "the build of influencer failed")
    ended = run(registry, pretend, operation)
    assert ended.status == "failed"
    assert "build influencer@11111111 on worker101: the build of influencer failed" in ended.sentence
    assert ended.steps["build-influencer-worker101"].output == "the last line"
    assert ended.steps["route-influencer"].status == "skipped"
    assert {state.status for state in ended.steps.values()} == {"done", "failed", "skipped"}


def test_an_operation_goes_on_where_a_killed_controller_left_it(registry: Registry, operation: Operation) -> None:
    first = Pretend()
    first.before = fail_at("instance.start")
    run(registry, first, operation)
    left = Operations(registry.store).get(operation.id)
    assert left is not None
    steps = {
        name: state.model_copy(update={"status": "running" if state.status == "failed" else state.status})
        for name, state in left.steps.items()
    }
    steps = {
        name: state.model_copy(update={"status": "waiting"}) if state.status == "skipped" else state
        for name, state in steps.items()
    }
    second = Pretend()
    ended = run(registry, second, left.model_copy(update={"status": "running", "steps": steps}))
    assert ended.status == "done"
    assert sorted(second.done) == [
        "instance.start",
        "instance.start",
        "instance.watch",
        "registry.write",
        "routing.apply",
    ]


def test_a_controller_that_was_overtaken_stops(registry: Registry, operation: Operation) -> None:
    pretend = Pretend()

    def overtaken(_: object) -> None:
        raise Fenced("another controller leads")

    pretend.before = overtaken
    with pytest.raises(Fenced):
        run(registry, pretend, operation)


def test_an_overtaken_controller_waits_for_no_step_of_its_own(registry: Registry, operation: Operation) -> None:
    pretend = Pretend()
    released = threading.Event()

    def overtaken(step: Step) -> None:
        if step.kind == "node.create" and step.node == "worker102":
            raise Fenced("another controller leads")
        released.wait(60)

    pretend.before = overtaken
    with pytest.raises(Fenced):
        run(registry, pretend, operation)
    assert pretend.done == []
    released.set()
    for thread in threading.enumerate():
        if thread.name.startswith("step"):
            thread.join(60)


def test_an_etcd_that_is_silent_for_a_while_fails_no_step(registry: Registry, operation: Operation) -> None:
    pretend = Pretend()
    silent = iter([True])

    def before(step: Step) -> None:
        if step.kind == "mesh.join" and next(silent, False):
            raise Unreadable("etcd does not answer")

    pretend.before = before
    with pytest.raises(Unreadable):
        run(registry, pretend, operation)
    left = Operations(registry.store).get(operation.id)
    assert left is not None
    assert left.status == "running"
    assert run(registry, pretend, left).status == "done"
    assert pretend.done.count("node.create") == 4


def test_a_line_that_cannot_be_noted_fails_no_step(registry: Registry, operation: Operation) -> None:
    class SilentAtReports(Operations):
        def save(self, operation: Operation) -> None:
            if any(state.status == "running" and state.detail for state in operation.steps.values()):
                raise Unreadable("etcd does not answer")
            super().save(operation)

    one = operation.plan.model_copy(update={"steps": operation.plan.steps[:1]})
    operation = Operations(registry.store).create(one, "a" * 40, Origin())
    pretend = Pretend()
    pretend.act["node.create"] = lambda step, context: context.report("renting")
    runner = Runner(SilentAtReports(registry.store), registry, pretend.executors(), token=1)
    assert runner.run(operation, nobody_may).status == "done"


def test_steps_that_end_together_are_written_together(
    registry: Registry, operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    ended, all_ended, set_one = list[str](), threading.Event(), Progress._set

    def noted(progress: Progress, step: PlannedStep, changes: dict[str, object]) -> None:
        set_one(progress, step, changes)
        ended.extend([step.id] if changes.get("status") == "done" else [])
        if len(ended) == 4:
            all_ended.set()

    class Slow(Operations):
        def save(self, operation: Operation) -> None:
            """The first end is written for as long as it takes the others to end."""
            done = sum(state.status == "done" for state in operation.steps.values())
            assert not done or all_ended.wait(60)
            super().save(operation)
            written.append(done)

    monkeypatch.setattr(Progress, "_set", noted)

    pretend = Pretend()
    all_there = threading.Barrier(4, timeout=60)

    def meet(_: Step) -> None:
        all_there.wait()

    pretend.before = meet
    pretend.act["node.create"] = lambda step, context: None
    rent = operation.plan.model_copy(
        update={"steps": tuple(step for step in operation.plan.steps if step.step.kind == "node.create")}
    )
    operation = Operations(registry.store).create(rent, "a" * 40, Origin())
    runner = Runner(Slow(registry.store), registry, pretend.executors(), token=1)
    assert runner.run(operation, nobody_may).status == "done"
    assert max(written) == 4
    assert len({done for done in written if done}) <= 2


def test_what_a_step_waits_for_is_in_etcd_before_it_begins(registry: Registry, operation: Operation) -> None:
    pretend = Pretend()
    early: list[str] = []

    def look(step: Step) -> None:
        kept = Operations(registry.store).get(operation.id)
        assert kept is not None
        [planned] = [planned for planned in kept.plan.steps if planned.step == step]
        early.extend(name for name in planned.after if kept.steps[name].status != "done")
        if kept.steps[planned.id].status != "running":
            early.append(planned.id)

    pretend.before = look
    assert run(registry, pretend, operation).status == "done"
    assert early == []


def test_an_executor_that_breaks_leaves_no_step_in_progress(registry: Registry, operation: Operation) -> None:
    pretend = Pretend()

    def broken(_: object) -> None:
        raise KeyError("x")

    pretend.before = broken
    ended = run(registry, pretend, operation)
    assert ended.status == "failed"
    assert "flstr itself failed here (KeyError)" in ended.sentence


@pytest.mark.parametrize("step", [RetireController(node="controller003"), RemoveEtcdMember(node="controller003")])
def test_a_controller_is_not_taken_down_once_it_is_wanted_again(
    registry: Registry, step: RetireController | RemoveEtcdMember
) -> None:
    planned = PlannedStep(id="down", title="take it down", step=step)
    removal = Plan(title="destroy it", steps=(planned,), losses=Losses(nodes=("controller003",)))
    operations, carried_out = Operations(registry.store), list[Step]()
    runner = Runner(operations, registry, {step.kind: lambda one, _: carried_out.append(one)}, token=1)

    def wanted_again(_: Operation) -> None:
        raise StepFailed("controller003 is not to be removed any more")

    assert runner.run(operations.create(removal, "a" * 40, Origin()), wanted_again).status == "failed"
    assert carried_out == []
