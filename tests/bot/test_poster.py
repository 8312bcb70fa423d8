"""What has to be said of an operation, and what need not be said any more."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.poster import letters, may_approve, shows_its_end
from model.cluster import Cluster
from model.operation import Approval, Card, Decision, Operation, StepState

DONE, FAILED, RUNNING = StepState(status="done"), StepState(status="failed"), StepState(status="running")

MakeOperation = Callable[..., Operation]
MakeApproval = Callable[..., Approval]


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


@pytest.mark.parametrize(
    ("status", "urgent"), [("queued", False), ("running", False), ("awaiting_approval", True), ("done", True)]
)
def test_what_waits_for_somebody_or_ended_goes_first(status: str, urgent: bool, make_operation: MakeOperation) -> None:
    assert letters(make_operation(status=status), None, (), "flstr")[0].urgent is urgent


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
    assert may_approve(cluster, make_approval()) == ("U0OPERATOR", "U2REVIEWER")
    yes = Decision(person="operator", approved=True, at=1.0)
    assert may_approve(cluster, make_approval(decisions=(yes,), needed=2)) == ("U2REVIEWER",)


def test_who_asked_may_approve_where_the_policy_says_so(
    cluster_text: dict[str, Any], make_approval: MakeApproval
) -> None:
    cluster = Cluster.model_validate(cluster_text | {"approvals": {"requester_may_approve": True}})
    assert "U1DEVELOPER" in may_approve(cluster, make_approval())
