"""What has to be said of an operation, and what need not be said any more."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.delivery import Letter
from bot.letters import card_letter, thread_letters
from bot.poster import may_approve, mentioned, shows_its_end
from model.app import App
from model.cluster import Cluster
from model.operation import Approval, Card, Decision, Operation, StepState
from model.steps import BuildRelease, Plan, PlannedStep, StartInstance
from tests.gitops.scene import app

DONE, FAILED, RUNNING = StepState(status="done"), StepState(status="failed"), StepState(status="running")

MakeOperation = Callable[..., Operation]
MakeApproval = Callable[..., Approval]


def letters(operation: Operation, approval: Approval | None, approvers: tuple[str, ...], channel: str) -> list[Letter]:
    return [card_letter(operation, approval, approvers, channel), *thread_letters(operation, approval, (), channel)]


def records(operation: Operation, approval: Approval | None = None) -> list[tuple[str, str | None]]:
    return [(letter.record, letter.parent) for letter in letters(operation, approval, (), "flstr")]


def test_a_running_operation_is_its_card(make_operation: MakeOperation) -> None:
    assert records(make_operation((DONE, RUNNING))) == [("7f3a", None)]


def test_the_thread_hears_decisions_failures_and_the_end(
    make_operation: MakeOperation, make_approval: MakeApproval
) -> None:
    yes = Decision(person="operator", approved=True, at=1.0)
    assert records(make_operation((DONE, FAILED), "failed"), make_approval(decisions=(yes,))) == [
        ("7f3a", None),
        ("7f3a/decision/0", "7f3a"),
        ("7f3a/failed/step-1", "7f3a"),
        ("7f3a/end", "7f3a"),
    ]


def told(*lines: str, **state: object) -> StepState:
    return StepState.model_validate({"status": "done", "ended": 1.0, "told": lines, **state})


def test_the_thread_hears_each_line_that_a_step_tells(make_operation: MakeOperation) -> None:
    assert records(make_operation((told("one", "two", status="running", ended=None), RUNNING, told("three"))))[1:] == [
        ("7f3a/told/step-0/0", "7f3a"),
        ("7f3a/told/step-0/1", "7f3a"),
        ("7f3a/told/step-2/0", "7f3a"),
    ]


def test_what_a_step_told_stays_the_same_message_as_more_is_told(make_operation: MakeOperation) -> None:
    first = letters(make_operation((told("one"),)), None, (), "flstr")[1]
    later = letters(make_operation((told("one", "two", status="failed"),), "failed"), None, (), "flstr")[1]
    assert (first.record, first.shown) == (later.record, later.shown)


def building(make_operation: MakeOperation, *builds: tuple[App, StepState]) -> list[tuple[str, str]]:
    """What the thread hears of builds: the record and the text of each message."""
    steps = tuple(
        PlannedStep(
            id=f"build-{number}", title=f"Build on worker{number}", step=BuildRelease(node="worker101", app=app)
        )
        for number, (app, _) in enumerate(builds)
    )
    states = {step.id: state for step, (_, state) in zip(steps, builds, strict=True)}
    operation = make_operation(plan=Plan(title="Deploy", steps=steps), steps=states)
    return [(letter.record, letter.message.text) for letter in letters(operation, None, (), "flstr")[1:]]


def test_builds_of_one_commit_are_told_once_by_the_machine_that_had_it_first(make_operation: MakeOperation) -> None:
    one, other = app("1" * 40), app("2" * 40)
    heard = building(
        make_operation,
        (one, told("built in 9 s", ended=9.0)),
        (one, told("built in 7 s", ended=7.0)),
        (one, told(ended=1.0)),
        (other, told("built in 8 s", ended=8.0)),
    )
    assert heard == [
        ("7f3a/told/build-0/0", "Build on worker1: built in 7 s"),
        ("7f3a/told/build-3/0", "Build on worker3: built in 8 s"),
    ]


def test_a_step_that_builds_and_starts_tells_as_a_build(make_operation: MakeOperation) -> None:
    start = StartInstance(node="worker101", app=app("1" * 40), instance="1-0a1b2c3d", build=True)
    steps = tuple(PlannedStep(id=f"start-{n}", title=f"Build and start {n}", step=start) for n in range(2))
    states = {step.id: told("built in 7 s", ended=7.0 - n) for n, step in enumerate(steps)}
    operation = make_operation(plan=Plan(title="Deploy", steps=steps), steps=states)
    heard = [(letter.record, letter.message.text) for letter in letters(operation, None, (), "flstr")[1:]]
    assert heard == [("7f3a/told/start-0/0", "Build and start 1: built in 7 s")]


def test_a_build_is_told_though_its_start_has_failed(make_operation: MakeOperation) -> None:
    start = StartInstance(node="worker101", app=app("1" * 40), instance="1-0a1b2c3d", build=True)
    step = PlannedStep(id="start", title="Build and start", step=start)
    state = told("built in 7 s", status="failed", ended=9.0)
    operation = make_operation(plan=Plan(title="Deploy", steps=(step,)), steps={"start": state})
    heard = [letter.message.text for letter in letters(operation, None, (), "flstr")[1:]]
    assert "Build and start: built in 7 s" in heard


def test_a_build_that_is_not_done_tells_nothing_yet(make_operation: MakeOperation) -> None:
    assert building(make_operation, (app("1" * 40), told("half of it", status="running", ended=None))) == []


def test_a_slower_machine_that_is_noted_first_gives_its_message_up_and_adds_none(make_operation: MakeOperation) -> None:
    one = app("1" * 40)
    noted_first = building(make_operation, (one, RUNNING), (one, told("built in 9 s", ended=9.0)))
    both = building(make_operation, (one, told("built in 8 s", ended=8.0)), (one, told("built in 9 s", ended=9.0)))
    assert [record for record, _ in noted_first] == [record for record, _ in both] == ["7f3a/told/build-0/0"]


def test_a_card_shows_its_end_by_the_status_it_was_noted_with(make_operation: MakeOperation) -> None:
    ended = make_operation((DONE,), "done")
    assert shows_its_end(ended, Card(record="7f3a", channel="C1", ts="1.0", shown="done 0123456789abcdef"))
    assert not shows_its_end(ended, Card(record="7f3a", channel="C1", ts="1.0", shown="running 0123456789abcdef"))
    assert not shows_its_end(ended, Card(record="7f3a", channel="C1", ts="", shown=""))
    assert shows_its_end(ended, None)


@pytest.fixture
def cluster_text() -> dict[str, Any]:
    people = {
        name: {"slack": f"U{number}{name.upper()}", "email": f"{name}@flstr.lab", "may": may}
        for number, (name, may) in enumerate(
            [("operator", ["approve"]), ("developer", ["approve"]), ("reviewer", ["approve"]), ("guest", ["read"])]
        )
    }
    return {"cluster": "flstr-lab", "pools": {"worker": {"role": "worker", "count": 1}}, "people": people}


def test_who_asked_and_who_decided_already_may_not_approve(
    cluster_text: dict[str, Any], make_approval: MakeApproval
) -> None:
    cluster = Cluster.model_validate(cluster_text)
    assert may_approve(cluster, make_approval()) == ("<@U0OPERATOR>", "<@U2REVIEWER>")
    yes = Decision(person="operator", approved=True, at=1.0)
    assert may_approve(cluster, make_approval(decisions=(yes,), needed=2)) == ("<@U2REVIEWER>",)


def test_who_asked_may_approve_where_the_policy_says_so(
    cluster_text: dict[str, Any], make_approval: MakeApproval
) -> None:
    cluster = Cluster.model_validate(cluster_text | {"approvals": {"not_by": ["author", "merger"]}})
    assert "<@U1DEVELOPER>" in may_approve(cluster, make_approval())


ASKED = {"origin": {"person": "developer"}}
BY_ITSELF = {"origin": {"display": "flstr", "place": "by itself"}}


@pytest.mark.parametrize(
    ("status", "origin", "followers", "said"),
    [
        ("done", ASKED, (), "broadcast"),
        ("failed", ASKED, (), "broadcast"),
        ("denied", ASKED, (), "broadcast"),
        ("superseded", ASKED, (), "in the thread"),
        ("running", ASKED, (), "nothing"),
        ("done", BY_ITSELF, (), "nothing"),
        ("failed", BY_ITSELF, (), "broadcast"),
        ("done", BY_ITSELF, ("U02DEVELOPER",), "broadcast"),
    ],
)
def test_the_channel_hears_an_end_that_failed_or_that_somebody_waits_for(
    make_operation: MakeOperation, status: str, origin: dict[str, Any], followers: tuple[str, ...], said: str
) -> None:
    letters = thread_letters(make_operation((DONE,), status, **origin), None, followers, "flstr")
    heard = ["broadcast" if letter.broadcast else "in the thread" for letter in letters]
    assert heard == [said] if said != "nothing" else heard == []


def test_an_output_that_is_longer_than_fits_goes_as_a_whole_into_a_file(make_operation: MakeOperation) -> None:
    output = "\n".join(f"line {number} <&>" for number in range(1000))
    failed = StepState(status="failed", detail="the build ended with status 2", output=output)
    [said, attached] = thread_letters(make_operation((failed,)), None, (), "flstr")
    assert said.record == "7f3a/failed/step-0"
    assert attached.file is not None
    assert (attached.file.name, attached.file.content) == ("failed-step-0.log", output)
    assert "the file below" in str(said.message.blocks)


def test_an_output_that_fits_is_no_file(make_operation: MakeOperation) -> None:
    failed = StepState(status="failed", output="make: *** no rule\n")
    assert [letter.file for letter in thread_letters(make_operation((failed,)), None, (), "flstr")] == [None]


def test_who_asked_and_who_followed_are_mentioned_once(
    make_operation: MakeOperation, cluster_text: dict[str, Any]
) -> None:
    cluster = Cluster.model_validate(cluster_text)
    assert mentioned(make_operation(), cluster, ["U2REVIEWER", "U1DEVELOPER"]) == ("U1DEVELOPER", "U2REVIEWER")
    assert mentioned(make_operation(**BY_ITSELF), cluster, []) == ()
    assert mentioned(make_operation(), None, []) == ()
