"""When a restore on controllers has come to its end."""

import itertools
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from cli import at_rest
from cli.at_rest import Rest, rest_of, seen_to_its_end
from gitops.plan import Plans
from gitops.releases import wanted
from model.errors import EtcdSilent, Unreadable
from model.operation import Operation, OperationStatus, Origin, StepState
from model.registered import Registered
from model.steps import Plan, PlannedStep, RefreshMeshes
from tests.gitops.scene import manifests

PLAN = Plan(title="a change", steps=(PlannedStep(id="a", title="a", step=RefreshMeshes(nodes=())),))


def plans(*changes: Plan, removal: Plan | None = None) -> Plans:
    return Plans(changes, removal or Plan(title=""), wanted(manifests(), Registered()))


def operation(status: OperationStatus) -> Operation:
    steps = {"a": StepState(status="waiting")}
    sentence = "it did not go" if status == "failed" else ""
    return Operation(
        id="1", revision="r", plan=PLAN, origin=Origin(), status=status, sentence=sentence, steps=steps, created=1.0
    )


@pytest.mark.parametrize(
    ("left", "operations", "is_over"),
    [
        (plans(PLAN), [], False),
        (plans(PLAN), [operation("running")], False),
        (plans(), [operation("running")], False),
        (plans(), [operation("done")], True),
        (plans(), [], True),
        (plans(removal=PLAN), [operation("awaiting_approval")], True),
        (plans(PLAN), [operation("failed")], True),
        (plans(PLAN), [operation("failed"), operation("queued")], False),
    ],
)
def test_what_is_waited_for(left: Plans, operations: list[Operation], is_over: bool) -> None:
    assert rest_of(left, operations).is_over == is_over


def test_why_something_is_left_is_what_failed_last() -> None:
    assert rest_of(plans(PLAN), [operation("done"), operation("failed")]).failed == "it did not go"


def looks(*seen: Rest | None) -> Callable[[], Rest]:
    """What is seen by each look, as often as it is looked, and nothing where etcd does not answer."""
    left = iter(seen)

    def look() -> Rest:
        if (rest := next(left, None)) is None:
            raise EtcdSilent("etcd does not answer")
        return rest

    return look


WORKING, OVER = rest_of(plans(PLAN), [operation("running")]), rest_of(plans(), [])


@pytest.mark.parametrize("seen", [(OVER,), (None, OVER), (None, WORKING, None, OVER)])
def test_an_etcd_that_does_not_answer_for_a_moment_is_looked_at_again(
    seen: tuple[Rest | None, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_rest, "LOOK_SECONDS", 0.0)
    assert seen_to_its_end(looks(*seen)) == OVER


@pytest.fixture
def quick_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with each look at the clock, however busy this machine is."""
    clock = SimpleNamespace(monotonic=itertools.count(0.0, 1.0).__next__, sleep=lambda seconds: None)
    monkeypatch.setattr(at_rest, "time", clock)


@pytest.mark.usefixtures("quick_clock")
def test_one_that_never_answers_is_told_of() -> None:
    with pytest.raises(Unreadable, match="etcd does not answer"):
        seen_to_its_end(looks())


@pytest.mark.usefixtures("quick_clock")
def test_what_is_seen_last_counts_where_nobody_begins_with_the_rest() -> None:
    idle = rest_of(plans(PLAN), [])
    assert seen_to_its_end(looks(WORKING, idle)) == idle
