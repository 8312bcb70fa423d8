"""An update as a plan: which instances go together, and in which order."""

import pytest

from gitops.placement import Placed
from gitops.plan import plan
from gitops.plan.rollout import waves
from model.app import Update
from model.steps import MACHINES, DrainInstance, PlannedStep, WatchInstances
from tests.gitops.scene import FIRST, SECOND, app_yaml, instance, manifests, registered, spec

OLD, NEW = spec(FIRST), spec(SECOND)
FOUR = {f"{number}-{OLD}": instance(f"worker10{number % 2 + 1}", port=20000 + number) for number in range(1, 5)}
PAIRS = [(Placed(f"{n}-{OLD}", "worker101"), Placed(f"{n}-{NEW}", "worker101")) for n in range(1, 8)]


def steps(update: str) -> dict[str, PlannedStep]:
    text = app_yaml(commit=SECOND).replace("instances: 2", "instances: 4").replace("update:", f"update:\n{update}")
    change = plan(manifests(app_text=text), registered(instances=FOUR)).change
    return {step.id: step for step in change.steps}


@pytest.mark.parametrize(
    ("update", "sizes"),
    [
        (Update(), [1, 1, 1, 1, 1, 1, 1]),
        (Update(max_parallel=3), [3, 3, 1]),
        (Update(max_parallel=3, canary=1), [1, 3, 3]),
        (Update(max_parallel=2, canary=4), [4, 2, 1]),
        (Update(max_parallel=50), [7]),
    ],
)
def test_the_canaries_go_first_and_then_so_many_at_once(update: Update, sizes: list[int]) -> None:
    assert [len(wave) for wave in waves(PAIRS, update)] == sizes
    assert [pair for wave in waves(PAIRS, update) for pair in wave] == PAIRS


def test_nothing_is_no_wave() -> None:
    assert list(waves([], Update())) == []


def test_an_old_instance_goes_only_after_the_new_ones_of_its_wave_were_watched() -> None:
    found = steps("  max_parallel: 2")
    watches = {name: step.step for name, step in found.items() if isinstance(step.step, WatchInstances)}
    assert [len(watch.instances) for watch in watches.values()] == [2, 2]
    first, second = watches
    drains = [name for name, step in found.items() if isinstance(step.step, DrainInstance)]
    assert [found[name].after for name in drains] == [(first,), (first,), (second,), (second,)]
    # The second wave begins once the old ones of the first are gone.
    started = [name for name in found if name.startswith("start-")][2:]
    stops = tuple(sorted(name for name in found if name.startswith("stop-"))[:2])
    assert all(set(stops) <= set(found[name].after) for name in started)


def test_a_canary_is_watched_before_anything_else_begins() -> None:
    found = steps("  max_parallel: 3\n  canary: 1")
    canary = next(name for name, step in found.items() if isinstance(step.step, WatchInstances))
    starts = [name for name in found if name.startswith("start-")]
    assert len(starts) == 4
    before = {starts[0]}
    for name in starts[1:]:
        waits, seen = list(found[name].after), set[str]()
        while waits:
            step_id = waits.pop()
            seen.add(step_id)
            waits += found[step_id].after
        assert canary in seen
        before.add(name)


def test_an_old_instance_is_drained_for_as_long_as_its_app_says() -> None:
    drains = [step.step for step in steps("  drain: 90s").values() if isinstance(step.step, DrainInstance)]
    assert {drain.within for drain in drains} == {90.0}


def test_a_knob_replaces_no_instance() -> None:
    text = app_yaml().replace("healthy_deadline: 30s", "max_parallel: 2\n  drain: 5m")
    tree = registered(instances={f"1-{OLD}": instance("worker101"), f"2-{OLD}": instance("worker102")})
    assert plan(manifests(app_text=text), tree).changes == ()


def test_a_change_of_an_app_locks_that_app_alone() -> None:
    tree = registered(instances={f"1-{OLD}": instance("worker101"), f"2-{OLD}": instance("worker102")})
    assert plan(manifests(app_text=app_yaml(commit=SECOND)), tree).change.locks == ("app-influencer",)


def test_an_app_that_is_busy_is_left_out() -> None:
    tree = registered(instances={f"1-{OLD}": instance("worker101"), f"2-{OLD}": instance("worker102")})
    assert plan(manifests(app_text=app_yaml(commit=SECOND)), tree, busy={"app-influencer"}).changes == ()


def test_while_machines_are_changed_an_app_is_placed_on_those_that_stand() -> None:
    three = manifests(app_text=app_yaml(commit=SECOND).replace("instances: 2", "instances: 3"))
    tree = registered(workers=1, instances={f"1-{OLD}": instance("worker101")})
    both = plan(three, tree).change
    assert both.locks == (MACHINES, "app-influencer")
    (alone,) = plan(three, tree, busy={MACHINES}).changes
    assert alone.locks == ("app-influencer",)
    assert not [step for step in alone.steps if "worker102" in step.title]
    assert len([step for step in alone.steps if step.step.kind == "instance.start"]) == 3


def test_an_app_that_is_stopped_runs_nowhere_and_stays_registered() -> None:
    tree = registered(instances={f"1-{OLD}": instance("worker101"), f"2-{OLD}": instance("worker102")})
    plans = plan(manifests(app_text=app_yaml() + "stopped: true\n"), tree)
    assert plans.change.title == "stop influencer"
    assert [step.step.kind for step in plans.change.steps] == ["instance.drain", "instance.stop"] * 2
    assert plans.removal.steps == ()
