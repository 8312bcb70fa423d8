"""The failover waits for nobody: not for Git, not for the worker, not for what is under way; and doubles nothing."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gitops.again import FIRST_SECONDS
from model import keys
from model.errors import StepFailed, Unreadable
from model.operation import Operation, Origin
from model.steps import HoldFloatingIp, Plan, StartInstance
from tests.gitops.flstr import REVIEWER, Flstr, assemble
from tests.gitops.pretend import fail_at
from tests.gitops.public import DNS, FIRST, FLOATING_IP, SECOND, THIRD, public_yaml
from tests.gitops.test_failover import answer_again, fall_silent, holder

LOCK = "floating-ip-public"


@pytest.fixture
def public(flstr: Flstr) -> Flstr:
    """A cluster with three ingresses that is as it should be, its floating IP with the first one."""
    flstr.cluster.push({"cluster.yaml": public_yaml(DNS, FLOATING_IP, ingresses=3)})
    assert {operation.status for operation in flstr.settle()} == {"done"}
    return flstr


def git_is_away(flstr: Flstr) -> None:
    """Its remote does not answer any more, and the clone is lost as well."""
    flstr.cluster.bare.rename(flstr.cluster.bare.with_suffix(".away"))


def alone(flstr: Flstr, done: Callable[[], bool]) -> None:
    """Have the failover alone work until something is so."""
    for _ in range(100):
        flstr.worker.failover.look()
        if done():
            return
        flstr.worker.dispatch.wait(1)
    raise AssertionError("it never came to that")


def moves(flstr: Flstr) -> list[Operation]:
    """The operations of the address, the first one, which had the first ingress hold it, left out."""
    return [operation for operation in flstr.operations.all() if LOCK in operation.plan.locks][1:]


def to(operation: Operation) -> str:
    return next(planned.step.node for planned in operation.plan.steps if isinstance(planned.step, HoldFloatingIp))


def failing_at(*nodes: str) -> Callable[[Any], None]:
    """These machines do not take the address."""

    def before(step: Any) -> None:
        if isinstance(step, HoldFloatingIp) and step.node in nodes:
            raise StepFailed(f"{step.node}: no SSH connection")

    return before


def status(flstr: Flstr, operation: Operation) -> str:
    return next(one.status for one in flstr.operations.all() if one.id == operation.id)


def look_until_refused(flstr: Flstr) -> None:
    while flstr.worker.look():
        pass


@contextmanager
def restarted(flstr: Flstr, folder: Path) -> Iterator[Flstr]:
    """The next controller, on the same etcd, with its clones in a folder."""
    folder.mkdir(exist_ok=True)
    again = assemble(flstr.store, flstr.cluster, flstr.app, folder)
    again.now[0] = flstr.now[0]
    yield again
    again.desk.stop()


@contextmanager
def hanging(flstr: Flstr, what: str) -> Iterator[None]:
    """The worker's own thread waits for an answer of Git."""
    asked, answered = threading.Event(), threading.Event()

    def hang(*_: object) -> str:
        asked.set()
        assert answered.wait(180)
        raise Unreadable("Git did not answer")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flstr.worker._revisions.repo, what, hang)
        thread = threading.Thread(target=flstr.worker.run, daemon=True)
        thread.start()
        assert asked.wait(180)
        try:
            yield
            assert thread.is_alive()
        finally:
            answered.set()
            flstr.worker.stop()
            thread.join(180)


@pytest.mark.parametrize("what", ["head", "fetch"])
def test_while_the_worker_waits_for_git_the_address_moves_and_moves_again(public: Flstr, what: str) -> None:
    public.cluster.push({"cluster.yaml": public_yaml(DNS, FLOATING_IP, ingresses=3) + "# one more revision\n"})
    with hanging(public, what):
        fall_silent(public, FIRST)
        alone(public, lambda: holder(public) == SECOND)
        fall_silent(public, SECOND)
        alone(public, lambda: holder(public) == THIRD)
        # It is so before the operation ends.
        alone(public, lambda: not public.worker.dispatch.busy)
    assert [operation.status for operation in moves(public)] == ["done", "done"]


def test_what_failed_while_git_is_away_is_tried_again(public: Flstr) -> None:
    git_is_away(public)
    public.pretend.before = fail_at("floating_ip.hold")
    fall_silent(public)
    alone(public, lambda: [one.status for one in moves(public)] == ["failed"] * 2)
    alone(public, lambda: not public.worker.dispatch.busy)
    assert not public.worker.failover.look()
    public.pretend.before = lambda _: None
    public.now[0] += FIRST_SECONDS
    alone(public, lambda: holder(public) == SECOND)


def test_sync_has_it_tried_at_once_though_git_is_away(public: Flstr) -> None:
    public.pretend.before = fail_at("floating_ip.hold")
    fall_silent(public)
    public.settle()
    git_is_away(public)
    public.pretend.before = lambda _: None
    public.ask("sync")
    assert public.worker.look()
    alone(public, lambda: holder(public) == SECOND)


def test_what_failed_is_tried_again_while_something_approved_waits(public: Flstr) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait_at_start(step: Any) -> None:
        if isinstance(step, StartInstance):
            begun.set()
            assert go_on.wait(180)
        fail_at("floating_ip.hold")(step)

    public.cluster.push({"cluster.yaml": public_yaml(DNS, FLOATING_IP)})
    removal = public.settle()[-1]
    public.pretend.before = wait_at_start
    public.ask("scale influencer 3")
    while not begun.is_set():
        public.look()
    public.approve(removal, REVIEWER)
    fall_silent(public)
    alone(public, lambda: [one.status for one in moves(public)] == ["failed"])
    alone(public, lambda: not public.worker.failover.look())
    public.pretend.before = lambda _: None
    public.now[0] += FIRST_SECONDS
    alone(public, lambda: holder(public) == SECOND)
    go_on.set()
    public.settle()


@pytest.mark.parametrize("clone", [True, False])
def test_a_restarted_controller_goes_on_with_it_though_a_deploy_was_under_way_and_git_is_away(
    public: Flstr, tmp_path: Path, clone: bool
) -> None:
    begun, killed = threading.Event(), threading.Event()

    def wait(step: Any) -> None:
        if isinstance(step, StartInstance):
            begun.set()
            # What is left of the killed controller writes nothing any more, for its locks are taken over.
            killed.wait()

    public.pretend.before = wait
    public.ask("scale influencer 3")
    while not begun.is_set():
        public.worker.look()
    fall_silent(public)
    assert public.worker.failover._plan()
    git_is_away(public)
    with restarted(public, tmp_path if clone else tmp_path / "elsewhere") as again:
        with pytest.raises(Unreadable):
            look_until_refused(again)
        alone(again, lambda: holder(again) == SECOND)
        (moved,) = moves(again)
        alone(again, lambda: status(again, moved) == "done")
        (deploy,) = [one for one in again.operations.all() if one.plan.title.startswith("scale influencer")]
        if clone:
            alone(again, lambda: status(again, deploy) == "done")
        else:
            # Nobody knows whether it is wanted still.
            assert deploy.id not in {one.id for one in again.worker.dispatch.running}
    killed.set()


def test_one_that_does_not_take_it_is_passed_over_at_once(public: Flstr) -> None:
    public.pretend.before = failing_at(SECOND)
    fall_silent(public)
    public.settle()
    assert [(to(one), one.status) for one in moves(public)] == [(SECOND, "failed"), (THIRD, "done")]
    assert holder(public) == THIRD


def test_where_nobody_takes_it_all_are_tried_again_after_a_while(public: Flstr) -> None:
    public.pretend.before = failing_at(SECOND, THIRD)
    fall_silent(public)
    for rounds in (1, 2):
        public.settle()
        assert [to(one) for one in moves(public)] == [SECOND, THIRD] * rounds
        public.now[0] += rounds * FIRST_SECONDS
    public.pretend.before = failing_at(SECOND)
    public.settle()
    assert holder(public) == THIRD


def test_whoever_did_not_take_it_once_gets_it_the_next_time(public: Flstr) -> None:
    public.pretend.before = failing_at(SECOND)
    fall_silent(public)
    public.settle()
    public.pretend.before = lambda _: None
    answer_again(public)
    public.settle()
    fall_silent(public, THIRD)
    fall_silent(public, FIRST)
    public.settle()
    assert holder(public) == SECOND


def test_another_controller_knows_who_was_tried(public: Flstr, tmp_path: Path) -> None:
    public.pretend.before = failing_at(SECOND)
    fall_silent(public)
    # One look more, and this one would move it to the next itself.
    assert public.worker.failover._plan()
    assert public.worker.failover.look()
    public.worker.dispatch.wait(60)
    assert [one.status for one in moves(public)] == ["failed"]
    with restarted(public, tmp_path / "elsewhere") as again:
        again.pretend.before = failing_at(SECOND)
        alone(again, lambda: holder(again) == THIRD)
        assert [to(one) for one in moves(again)] == [SECOND, THIRD]


def test_two_threads_make_and_start_nothing_twice(public: Flstr) -> None:
    began, active, both = Counter[str](), Counter[str](), list[str]()
    counting = threading.Lock()

    def counted(kind: str) -> None:
        act = public.pretend.act[kind]

        def run(step: Any, context: Any) -> None:
            with counting:
                began[f"{context.operation} {kind}"] += 1
                for lock, _ in context.fence.locks:
                    active[lock] += 1
                    if active[lock] > 1:
                        both.append(lock)
            act(step, context)
            with counting:
                active.subtract(lock for lock, _ in context.fence.locks)

        public.pretend.act[kind] = run

    for kind in ("floating_ip.hold", "floating_ip.settle", "names.point"):
        counted(kind)
    loops = [threading.Thread(target=run, daemon=True) for run in (public.worker.run, public.worker.failover.run)]
    for loop in loops:
        loop.start()
    for number in range(30):
        node, other = (FIRST, SECOND) if number % 2 else (SECOND, FIRST)
        public.store.write({keys.unreachable(node): "1000.000"}, [keys.unreachable(other)])
        public.worker.wake()
        if number % 5 == 0:
            public.ask("sync")
    public.worker.stop()
    for loop in loops:
        loop.join(30)
        assert not loop.is_alive()
    public.store.delete(keys.unreachable(FIRST), keys.unreachable(SECOND))
    assert {operation.status for operation in public.settle()} == {"done"}
    assert set(began.values()) == {1}
    assert both == []
    assert "changes nothing" in public.ask("plan")


def test_an_operation_that_two_ask_for_is_started_once(public: Flstr) -> None:
    ran: list[str] = []
    public.pretend.act["floating_ip.hold"] = lambda _, context: ran.append(context.operation)
    steps = moves_plan(public).steps
    made = [
        public.operations.create(Plan(title="move", steps=steps, locks=(f"floating-ip-{number}",)), "r", Origin())
        for number in range(10)
    ]
    together = threading.Barrier(4)

    def start() -> None:
        together.wait()
        for _ in range(20):
            public.worker.dispatch.start(lambda _: True)
            public.worker.dispatch.reap(lambda _: True)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    alone(public, lambda: not public.worker.dispatch.busy)
    assert sorted(ran) == sorted(operation.id for operation in made)


def moves_plan(flstr: Flstr) -> Plan:
    """The plan by which the address came to its first holder."""
    return next(operation.plan for operation in flstr.operations.all() if LOCK in operation.plan.locks)
