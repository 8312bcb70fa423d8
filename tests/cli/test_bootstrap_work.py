"""The operation of a bootstrap: Ctrl-C ends it in order, and one that was killed is taken up where it fits."""

import _thread
import io
import threading
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console

from cli import bootstrap_work
from cli.bootstrap_work import Work, follow, unfinished
from cli.operation_display import Display
from gitops.executor import Executors, StepContext
from gitops.leadership import Leadership
from gitops.locks import Locks
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.runner import Runner
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.errors import Cancelled, EtcdSilent, Refused
from model.locks import MACHINES
from model.operation import Origin
from model.steps import InstallController, Plan, PlannedStep

PLAN = Plan(
    title="bootstrap small",
    steps=(
        PlannedStep(id="one", title="the first", step=InstallController(node="controller101")),
        PlannedStep(id="two", title="the second", step=InstallController(node="controller102"), after=("one",)),
    ),
    locks=(MACHINES,),
)
CLUSTER = Cluster.model_validate({"cluster": "small", "pools": {"controller": {"role": "controller", "count": 1}}})


MakeWork = Callable[[Executors], Work]


@pytest.fixture
def work(store: Store) -> Iterator[MakeWork]:
    """`work(executors)`: the plan above, led by a laptop."""
    store.put(keys.CLUSTER, CLUSTER.to_json())
    leadership = Leadership(store, "laptop", on_lost=lambda: None)
    fence = leadership.acquire(threading.Event())
    assert fence is not None
    led, token = store.fenced(fence), fence.token

    def make(executors: Executors) -> Work:
        operations = Operations(led)
        runner = Runner(operations, Registry(led), executors, token)
        return Work(operations.create(PLAN, "", Origin()), operations, runner, Locks(led, leadership.lease))

    yield make
    leadership.stop()


def shown() -> Display:
    return Display(Console(file=io.StringIO()))


def test_it_runs_to_its_end(work: MakeWork) -> None:
    done: list[str] = []
    ended = follow(work({"controller.install": lambda step, _: done.append(step.node)}), shown())
    assert (ended.status, done) == ("done", ["controller101", "controller102"])


def test_ctrl_c_begins_no_further_step_and_says_so(work: MakeWork) -> None:
    def install(step: InstallController, context: StepContext) -> None:
        given_up = threading.Event()
        _thread.interrupt_main()
        with context.cancellation.ending(given_up.set):
            given_up.wait()
        raise Cancelled(f"{step.node}: given up")

    ended = follow(work({"controller.install": install}), shown())
    assert (ended.status, ended.sentence) == ("cancelled", "it was stopped by Ctrl-C")
    assert {name: state.status for name, state in ended.steps.items()} == {"one": "skipped", "two": "skipped"}


def test_where_the_lease_has_ended_it_says_how_to_go_on(store: Store, work: MakeWork) -> None:
    def install(_: InstallController, context: StepContext) -> None:
        store.delete(keys.LEADER)
        context.registry.store.put("node/x", "too late")

    with pytest.raises(Refused, match="its lease has ended"):
        follow(work({"controller.install": install}), shown())


def test_what_an_etcd_that_was_silent_broke_off_begins_again(work: MakeWork) -> None:
    begun: list[str] = []

    def install(step: InstallController, _: StepContext) -> None:
        begun.append(step.node)
        if begun.count("controller102") == 1:
            raise EtcdSilent("etcd at https://127.0.0.1:2379 does not answer (ConnectionFailedError)")

    ended = follow(work({"controller.install": install}), shown())
    assert (ended.status, begun) == ("done", ["controller101", "controller102", "controller102"])


def test_an_etcd_that_stays_silent_ends_it(work: MakeWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap_work, "SILENT_SECONDS", 0.0)

    def install(step: InstallController, _: StepContext) -> None:
        raise EtcdSilent(f"etcd does not answer {step.node}")

    with pytest.raises(EtcdSilent, match="does not answer controller101"):
        follow(work({"controller.install": install}), shown())


def test_one_that_was_killed_is_taken_up_while_the_manifest_is_the_same(store: Store) -> None:
    operations = Operations(store)
    killed = operations.create(PLAN, "", Origin())
    taken_up = unfinished(operations, unchanged=True)
    assert taken_up is not None
    assert taken_up.id == killed.id
    assert unfinished(operations, unchanged=False) is None
    assert operations.under_way() == []
