"""Operations side by side: one an app at a time, the next in order, and a newer commit before an older one."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gitops.store import Fence
from model import keys
from model.errors import Cancelled, Fenced
from model.operation import Operation, StepState
from tests.gitops.flstr import OPERATOR, Flstr
from tests.gitops.scene import app_yaml
from tests.gitops.test_bad_commit import commits, quarantine, statuses


class Held:
    """Steps of a kind that wait until they are let go, for one app."""

    def __init__(self, flstr: Flstr, kind: str, app: str = "influencer") -> None:
        self.reached = threading.Event()
        self.go = threading.Event()
        self._kind, self._app = kind, app
        flstr.pretend.before = self

    def __call__(self, step: Any) -> None:
        if step.kind == self._kind and step.app.app == self._app:
            self.reached.set()
            assert self.go.wait(180)


def creator(flstr: Flstr) -> str:
    """A second app, from the same repository."""
    repo, first, _ = flstr.app
    text = app_yaml(repo.url, first).partition("ingress:")[0]
    return text.replace("app: influencer", "app: creator").replace("5001", "5002").replace("INFLUENCER", "CREATOR")


def look_until(flstr: Flstr, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        flstr.worker.look()
        if done():
            return
        flstr.worker.dispatch.wait(0.05)
    raise AssertionError("it never came to that")


def operations(flstr: Flstr) -> list[Operation]:
    return flstr.operations.all()


def test_an_app_does_not_wait_for_another(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    held = Held(flstr, "instance.watch")
    flstr.ask(f"deploy influencer@{second[:7]}")
    look_until(flstr, held.reached.is_set)
    flstr.cluster.pull()
    flstr.cluster.push({"apps/creator.yaml": creator(flstr)})
    look_until(flstr, lambda: [item.status for item in operations(flstr)] == ["done", "running", "done"])
    assert operations(flstr)[2].plan.title.startswith("deploy creator@")
    held.go.set()
    assert statuses(flstr.settle()) == ["done"] * 3


def test_a_second_operation_of_an_app_waits_for_the_first(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    held = Held(flstr, "instance.watch")
    flstr.ask(f"deploy influencer@{second[:7]}")
    look_until(flstr, held.reached.is_set)
    flstr.ask("scale influencer 3")
    for _ in range(5):
        flstr.worker.look()
    assert statuses(operations(flstr)) == ["done", "running"]
    held.go.set()
    titles = [operation.plan.title for operation in flstr.settle()]
    assert titles[1:] == [f"deploy influencer@{second[:8]}", "scale influencer from 2 to 3"]
    assert commits(flstr) == [second] * 3


def test_a_newer_commit_takes_the_place_of_a_rollout_under_way(flstr: Flstr) -> None:
    repo, _, second = flstr.app
    third = repo.push({"run.sh": "three"}, "third")
    flstr.settle()
    held = Held(flstr, "instance.watch")
    flstr.ask(f"deploy influencer@{second[:7]}")
    look_until(flstr, held.reached.is_set)
    flstr.ask(f"deploy influencer@{third[:7]}")
    for _ in range(3):
        flstr.worker.look()
    flstr.pretend.before = lambda _: None
    held.go.set()
    ended = flstr.settle()
    assert statuses(ended) == ["done", "superseded", "done"]
    assert ended[1].sentence == f"influencer is to run {third[:8]} now"
    assert commits(flstr) == [third, third]
    assert len(flstr.registry.read().ports) == 2
    assert quarantine(flstr) == []


def test_what_takes_long_is_given_up(flstr: Flstr) -> None:
    repo, _, second = flstr.app
    third = repo.push({"run.sh": "three"}, "third")
    flstr.settle()
    building, ended = threading.Event(), threading.Event()

    def build(step: Any, context: Any) -> None:
        if step.app.commit == second:
            building.set()
            with context.cancellation.ending(ended.set):
                assert ended.wait(180)
            raise Cancelled("worker101: given up")

    flstr.pretend.act["release.build"] = build
    flstr.ask(f"deploy influencer@{second[:7]}")
    look_until(flstr, building.is_set)
    flstr.ask(f"deploy influencer@{third[:7]}")
    ended_operations = flstr.settle()
    assert statuses(ended_operations) == ["done", "superseded", "done"]
    assert {state.status for state in ended_operations[1].steps.values()} == {"skipped"}
    assert commits(flstr) == [third, third]


def test_stopping_an_app_ends_its_rollout(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    held = Held(flstr, "instance.watch")
    flstr.ask(f"deploy influencer@{second[:7]}")
    look_until(flstr, held.reached.is_set)
    flstr.ask("stop influencer --yes")
    for _ in range(3):
        flstr.worker.look()
    held.go.set()
    assert statuses(flstr.settle()) == ["done", "superseded", "done"]
    assert commits(flstr) == []


def test_a_rollout_that_a_killed_controller_left_is_not_gone_on_with_when_a_newer_commit_is_there(
    flstr: Flstr,
) -> None:
    repo, _, second = flstr.app
    third = repo.push({"run.sh": "three"}, "third")
    flstr.settle()
    flstr.ask(f"deploy influencer@{second[:7]}")
    while len(operations(flstr)) == 1:
        flstr.worker.look()
    left = operations(flstr)[1]
    flstr.settle()
    # As it stood in etcd when the power went; it runs while it is read, so its steps are set back.
    steps = {step.id: StepState() for step in left.plan.steps}
    flstr.operations.save(left.model_copy(update={"status": "running", "steps": steps}))
    # It is taken up at once, as Git may be silent; what counts is that it does not come to its end.
    held = Held(flstr, "instance.start")
    flstr.ask(f"deploy influencer@{third[:7]}")
    look_until(flstr, held.reached.is_set)
    for _ in range(3):
        flstr.worker.look()
    held.go.set()
    ended = flstr.settle()
    assert statuses(ended) == ["done", "superseded", "done"]
    assert commits(flstr) == [third, third]


def test_an_operation_holds_a_lock_whose_token_grows(flstr: Flstr) -> None:
    _, _, second = flstr.app
    tokens: list[int] = []

    def note(step: Any, context: Any) -> None:
        tokens.extend(token for name, token in context.fence.locks if name == "app-influencer")
        assert flstr.store.get(keys.lock("app-influencer")) == context.operation

    flstr.pretend.act["instance.watch"] = note
    flstr.settle()
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    assert tokens == sorted(tokens)
    assert len(set(tokens)) == 2
    assert flstr.store.prefix(keys.LOCKS) == {}


def test_who_lost_the_lock_writes_nothing_more(flstr: Flstr) -> None:
    flstr.settle()
    flstr.store.put(keys.lock("app-influencer"), "an operation")
    token = flstr.store.create_revision(keys.lock("app-influencer")) or 0
    mine = flstr.store.fenced(Fence(keys.lock("app-influencer"), token))
    mine.put("backend/influencer/instance/1-00000000", "{}")
    flstr.store.delete(keys.lock("app-influencer"))
    flstr.store.put(keys.lock("app-influencer"), "another one")
    with pytest.raises(Fenced, match="somebody else holds flstr/lock/app-influencer"):
        mine.put("backend/influencer/instance/2-00000000", "{}")


def test_nothing_starts_while_the_doctor_mends(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    flstr.ask(f"deploy influencer@{second[:7]}", OPERATOR)
    with flstr.worker.dispatch.at_rest() as may_change:
        assert may_change
        for _ in range(5):
            flstr.worker.look()
        assert statuses(operations(flstr)) == ["done", "queued"]
    assert statuses(flstr.settle()) == ["done", "done"]
