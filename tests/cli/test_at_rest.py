"""When a restore on controllers has come to its end."""

import pytest

from cli.at_rest import rest_of
from gitops.plan import Plans
from gitops.releases import wanted
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
