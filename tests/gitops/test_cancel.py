"""`cancel` gives up what runs, is to run, or waits for leave; nothing of it begins again by itself."""

from collections.abc import Callable

import pytest

from model import keys
from tests.gitops.flstr import DEVELOPER, OPERATOR, REVIEWER, Flstr
from tests.gitops.test_bad_commit import commits


def cancelling(flstr: Flstr, kind: str, said: list[str], user: str = DEVELOPER) -> Callable[[object], None]:
    """Has somebody cancel what runs, once it comes to a step of this kind."""

    def before(step: object) -> None:
        if getattr(step, "kind", "") == kind and not said:
            said.append("")
            said[0] = flstr.ask(f"cancel {flstr.operations.under_way()[0].id[:6]}", user)

    return before


def test_what_runs_ends_as_cancelled_and_is_not_begun_again_until_somebody_says_so(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    said: list[str] = []
    flstr.pretend.before = cancelling(flstr, "instance.watch", said)
    flstr.ask(f"deploy influencer@{second[:7]}")
    operation = flstr.settle()[-1]
    assert said == [
        f"Given up: deploy influencer@{second[:8]}. What it did stays; `rollback influencer` goes back to what ran "
        "before, `sync` goes on."
    ]
    assert (operation.status, operation.sentence) == ("cancelled", "cancelled by developer; what it did stays")
    assert "skipped" in {state.status for state in operation.steps.values()}
    assert len(flstr.settle()) == 2, "it is not begun again"
    flstr.ask("sync")
    assert flstr.settle()[-1].status == "done"
    assert commits(flstr) == [second, second]
    assert first != second


def test_a_rollback_goes_back_from_what_was_cancelled(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.pretend.before = cancelling(flstr, "instance.watch", [])
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    flstr.ask("rollback influencer")
    flstr.settle()
    assert commits(flstr) == [first, first]


def test_what_is_to_run_next_never_does(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("scale influencer 3")
    while not flstr.operations.under_way():
        flstr.look()
    operation = flstr.operations.under_way()[0]
    if flstr.worker.dispatch.running:
        pytest.fail("it runs before anybody could say so")
    answer = flstr.ask(f"cancel {operation.id}")
    assert answer.startswith("Cancelled before it went on: scale influencer from 2 to 3. `rollback influencer`")
    assert flstr.settle()[-1].status == "cancelled"
    assert len(commits(flstr)) == 2


def test_what_waits_for_leave_is_withdrawn_and_not_asked_for_again(flstr: Flstr) -> None:
    waiting = flstr.removal()
    assert flstr.ask(f"cancel {waiting.id}") == (
        "Withdrawn: destroy worker103. Nothing was changed; `sync` has it asked for again."
    )
    operation, approval = flstr.operations.get(waiting.id), flstr.operations.approval(waiting.id)
    assert operation is not None
    assert approval is not None
    assert (operation.status, approval.status) == ("cancelled", "denied")
    assert operation.sentence == "cancelled by operator; nothing was changed"
    assert flstr.settle()[-1].id == waiting.id


def test_what_changes_machines_needs_the_right_to_scale(flstr: Flstr) -> None:
    waiting = flstr.removal()
    text = flstr.cluster.file("cluster.yaml").replace("may: [read, deploy, scale]", "may: [read, deploy]")
    flstr.cluster.push({"cluster.yaml": text})
    flstr.settle()
    said = flstr.ask(f"cancel {flstr.operations.unended()[-1].id}", DEVELOPER)
    assert said == "You may not cancel what changes machines; that needs the right scale."
    assert flstr.ask(f"cancel {waiting.id}", REVIEWER).startswith("You may not cancel")


def test_a_cancellation_outlives_the_controller_that_heard_it(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("scale influencer 3")
    while not flstr.operations.under_way():
        flstr.look()
    operation = flstr.operations.under_way()[0]
    flstr.operations.save(operation.model_copy(update={"status": "running"}))
    flstr.store.put(keys.cancellation(operation.id), "cancelled by operator; what it did stays")
    assert flstr.settle()[-1].status == "cancelled"


def test_an_operation_that_is_none_is_told(flstr: Flstr) -> None:
    ended = flstr.settle()[-1]
    assert flstr.ask("cancel 7f3a9b", OPERATOR) == "'7f3a9b' is no operation that runs or waits; nothing is under way."
    assert flstr.ask(f"cancel {ended.id}") == f"'{ended.id}' has ended already."


def test_what_was_approved_and_is_held_back_can_still_be_withdrawn(flstr: Flstr) -> None:
    waiting = flstr.removal()
    flstr.approve(waiting, REVIEWER)
    flstr.ask("freeze 2h holidays")
    flstr.settle()
    assert flstr.ask(f"cancel {waiting.id}", OPERATOR).startswith("Withdrawn: destroy worker103.")
    flstr.ask("thaw")
    assert flstr.settle()[-1].status == "cancelled"
    assert "worker103" in flstr.registry.read().nodes


def test_what_is_done_before_it_could_be_given_up_is_not_given_up(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("scale influencer 3")
    while not flstr.worker.dispatch.running:
        flstr.look()
    (operation,) = flstr.worker.dispatch.running
    flstr.worker.dispatch.wait(10)
    # As somebody does who saw it run still.
    also = {keys.given_up(lock): "now" for lock in operation.plan.locks}
    flstr.operations.cancel_running(operation, "cancelled by developer; what it did stays", also)
    flstr.settle()
    assert flstr.operations.all()[-1].status == "done"
    assert flstr.store.prefix(keys.GIVEN_UP) == {}
