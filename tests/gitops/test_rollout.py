"""An update as a plan: which instances go together, and in which order."""

import pytest

from gitops.manifests import load
from gitops.placement import Placed
from gitops.plan import plan
from gitops.plan.rollout import waves
from model.app import Update
from model.locks import MACHINES
from model.registered import PortRecord, Registered
from model.steps import DrainInstance, PlannedStep, StartInstance, WatchInstances
from tests.gitops.scene import CLUSTER_YAML, FIRST, SECOND, app_yaml, instance, manifests, registered, spec

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


def test_an_app_that_needs_no_new_machine_does_not_wait_for_one() -> None:
    three = manifests(CLUSTER_YAML.replace("count: 2", "count: 3"), app_yaml(commit=SECOND))
    tree = registered(instances={f"1-{OLD}": instance("worker101"), f"2-{OLD}": instance("worker102")})
    machines, deploy = plan(three, tree).changes
    assert (machines.locks, deploy.locks) == ((MACHINES,), ("app-influencer",))
    assert "rent worker103 (cx22, fsn1)" in [step.title for step in machines.steps]
    assert not any("influencer" in step.title for step in machines.steps)


def test_new_instances_of_several_apps_are_spread_over_the_machines() -> None:
    one = app_yaml().partition("ingress:")[0].replace("instances: 2", "instances: 1")
    texts = {"cluster.yaml": CLUSTER_YAML}
    for number, name in enumerate(("alpha", "beta", "gamma", "delta")):
        text = one.replace("app: influencer", f"app: {name}").replace("5001", f"600{number}")
        texts[f"apps/{name}.yaml"] = text.replace("INFLUENCER", name.upper())
    tree = registered().model_copy(update={"apps": {}, "ingress": {}})
    starts = [
        step.step.node
        for change in plan(load(texts), tree).changes
        for step in change.steps
        if isinstance(step.step, StartInstance)
    ]
    assert sorted(starts) == ["worker101", "worker101", "worker102", "worker102"]


def test_what_an_operation_left_is_drained_for_as_long_as_its_app_says() -> None:
    tree = registered(instances={f"1-{OLD}": instance("worker101"), f"2-{OLD}": instance("worker102")})
    left = PortRecord(kind="backend", app="influencer", instance="7-00000000")
    tree = tree.model_copy(update={"ports": {("worker101", 20007): left}})
    text = app_yaml().replace("healthy_deadline: 30s", "drain: 1h")
    change = plan(manifests(app_text=text), tree).change
    assert [step.step.within for step in change.steps if isinstance(step.step, DrainInstance)] == [3600.0]
    gone = plan(load({"cluster.yaml": CLUSTER_YAML}), with_drain(tree, 1800.0)).removal
    assert {step.step.within for step in gone.steps if isinstance(step.step, DrainInstance)} == {1800.0}


def with_drain(tree: Registered, seconds: float) -> Registered:
    """The tree as if the app's stable release had said how long it is drained."""
    app = tree.apps["backend", "influencer"]
    assert app.stable is not None
    said = app.stable.app.model_copy(update={"update": Update(drain=seconds)})
    stable = app.stable.model_copy(update={"app": said})
    changed = app.model_copy(update={"stable": stable})
    return tree.model_copy(update={"apps": {("backend", "influencer"): changed}})


def test_an_app_that_is_stopped_runs_nowhere_and_stays_registered() -> None:
    tree = registered(instances={f"1-{OLD}": instance("worker101"), f"2-{OLD}": instance("worker102")})
    plans = plan(manifests(app_text=app_yaml() + "stopped: true\n"), tree)
    assert plans.change.title == "stop influencer"
    assert [step.step.kind for step in plans.change.steps] == ["instance.drain", "instance.stop"] * 2
    assert plans.removal.steps == ()


def starts(count: int, workers: int) -> list[tuple[str, bool]]:
    """How instances that are added start: on which machine, and whether that is where they are built."""
    text = app_yaml().replace("instances: 2", f"instances: {count}")
    cluster = CLUSTER_YAML.replace("count: 2", f"count: {workers}")
    running = {f"{number}-{OLD}": instance(f"worker10{number}", port=20000 + number) for number in (1, 2)}
    change = plan(manifests(cluster, text), registered(workers=workers, instances=running)).change
    found = [step.step for step in change.steps if isinstance(step.step, StartInstance)]
    assert len(found) == count - 2
    return [(step.node, step.build) for step in found]


def test_a_machine_that_gets_one_more_instance_builds_and_starts_it_by_one_script() -> None:
    assert starts(4, workers=4) == [("worker103", True), ("worker104", True)]


def test_a_machine_that_gets_several_builds_once() -> None:
    assert starts(6, workers=2) == [("worker101", False), ("worker102", False)] * 2


def test_what_replaces_others_is_built_everywhere_before_the_first_is_touched() -> None:
    found = steps("  max_parallel: 2")
    assert not any(step.step.build for step in found.values() if isinstance(step.step, StartInstance))
