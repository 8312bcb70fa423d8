"""The crash matrix sees what it is there to see."""

from collections import Counter

import pytest

from model.operation import Operation, Origin
from model.steps import BuildRelease, Plan, PlannedStep, StartInstance
from tests.executors.example import influencer
from tests.story.crash_matrix import ran_twice
from tests.story.crash_table import Crash, crash_table

WELL = Crash("roll-out", "build influencer on worker101", 4.2, requests=120, failed=(), twice=(), amiss=())
BUILD, START = ("worker101", "flstr-build"), ("worker101", "flstr-backend-influencer-1-ab12cd34.service")


@pytest.fixture
def rolled_out() -> Operation:
    """One build and one start on one worker."""
    app = influencer()
    steps = (
        PlannedStep(id="build", title="build", step=BuildRelease(node="worker101", app=app)),
        PlannedStep(id="start", title="start", step=StartInstance(node="worker101", app=app, instance="1-ab12cd34")),
    )
    plan = Plan(title="deploy influencer", steps=steps)
    return Operation(id="1", revision="r", plan=plan, origin=Origin(), status="done", created=0)


def test_what_was_started_as_often_as_the_plan_says_did_not_run_twice(rolled_out: Operation) -> None:
    assert ran_twice(Counter({BUILD: 1, START: 1}), rolled_out) == ()
    assert ran_twice(Counter({START: 1}), rolled_out) == ()


@pytest.mark.parametrize(
    ("started", "what"),
    [
        (Counter({BUILD: 2, START: 1}), "flstr-build on worker101"),
        (Counter({BUILD: 1, START: 2}), "flstr-backend-influencer-1-ab12cd34.service on worker101"),
        (Counter({("worker102", START[1]): 1}), "flstr-backend-influencer-1-ab12cd34.service on worker102"),
    ],
    ids=["build", "start", "elsewhere"],
)
def test_what_was_started_more_often_ran_twice(
    rolled_out: Operation, started: Counter[tuple[str, str]], what: str
) -> None:
    assert ran_twice(started, rolled_out) == (what,)


@pytest.mark.parametrize(
    "fault", [{"failed": ("kept: status 503",)}, {"twice": ("a build",)}, {"amiss": ("2 cards",)}, {"requests": 0}]
)
def test_a_run_is_well_only_without_any_fault(fault: dict[str, object]) -> None:
    assert WELL.is_well
    assert not Crash(**{**vars(WELL), **fault}).is_well


def test_the_table_has_a_row_for_each_kill() -> None:
    amiss = Crash("scale-down", "stop influencer", 2.0, 10, ("short: status 503",), (), ("2 cards",))
    heading, columns, first, second = crash_table([WELL, amiss]).splitlines()
    assert heading.startswith("flstr killed after each step")
    assert columns.split("  ")[0].strip() == "operation"
    assert first.split() == [
        "roll-out",
        "build",
        "influencer",
        "on",
        "worker101",
        "4.2",
        "s",
        "120",
        "0",
        "0",
        "as",
        "desired",
    ]
    assert second.split() == ["scale-down", "stop", "influencer", "2.0", "s", "10", "1", "0", "2", "cards"]
