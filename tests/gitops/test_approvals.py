"""What destroys waits for leave, and for nothing less than leave for exactly this plan."""

from collections.abc import Sequence

import pytest

from gitops.approvals import close_decided, void
from gitops.operations import Operations
from model.operation import Approval, Operation
from model.steps import Step
from tests.gitops.flstr import DEVELOPER, OPERATOR, REVIEWER, THREE_WORKERS, Flstr
from tests.gitops.scene import CLUSTER_YAML


def test_a_machine_taken_away_waits_for_a_second_person(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert "3 → 2" in flstr.ask("scale worker 2")
    waiting = flstr.settle()[-1]
    assert waiting.status == "awaiting_approval"
    assert "worker103" in flstr.registry.read().nodes
    assert flstr.approve(waiting).startswith("You asked for this yourself")
    assert flstr.approve(waiting, REVIEWER) == "Approved; the operation starts."
    done = flstr.settle()[-1]
    assert (done.id, done.status) == (waiting.id, "done")
    assert "worker103" not in flstr.registry.read().nodes
    assert len(flstr.registry.read().apps["backend", "influencer"].instances) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("approve {id} worker103", "Approved; the operation starts."),
        ("deny {id}", "Denied; nothing is changed."),
        ("break-glass {id} the disk is full", "The glass is broken"),
    ],
)
def test_a_decision_that_was_not_answered_before_a_kill_is_answered_as_it_was(
    flstr: Flstr, words: str, said: str
) -> None:
    waiting = flstr.removal()
    person = OPERATOR if "glass" in words else REVIEWER
    intent = flstr.answered(words.format(id=waiting.id), person)
    decided = flstr.operations.approvals()
    flstr.desk._answer(intent.model_copy(update={"status": "new", "answer": ""}))
    assert flstr.desk.reply(intent).text.startswith(said)
    assert intent.answer.startswith(said)
    assert flstr.operations.approvals() == decided


def test_denied_and_expired_removals_leave_the_machine(flstr: Flstr) -> None:
    denied = flstr.removal()
    assert flstr.ask(f"deny {denied.id}", REVIEWER) == "Denied; nothing is changed."
    assert flstr.settle()[-1].status == "denied"
    assert "already denied" in flstr.approve(denied, REVIEWER)
    flstr.ask("sync")
    asked_again = flstr.settle()[-1]
    assert asked_again.status == "awaiting_approval"
    flstr.now[0] += 3600
    assert flstr.settle()[-1].status == "expired"
    assert "worker103" in flstr.registry.read().nodes
    assert flstr.approve(asked_again, REVIEWER).startswith("This was already expired")


def test_a_changed_plan_voids_the_card(flstr: Flstr) -> None:
    old = flstr.removal()
    flstr.cluster.push(
        {"cluster.yaml": CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 1\n    first: 101")}
    )
    new = flstr.settle()[-1]
    states = {operation.id: operation.status for operation in flstr.operations.all()}
    assert (states[old.id], states[new.id]) == ("void", "awaiting_approval")
    assert "The plan has changed since it was asked for" in flstr.approve(old, REVIEWER)


def test_everybody_who_took_something_away_counts_as_the_requester(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.ask("scale worker 2", OPERATOR)
    # Before flstr looks, somebody else commits something else, which is the newest revision then.
    flstr.ask(f"deploy influencer@{flstr.app[2]}", DEVELOPER)
    waiting = flstr.settle()[-1]
    assert (waiting.origin.person, waiting.status) == ("developer", "awaiting_approval")
    assert flstr.approve(waiting).startswith("You asked for this yourself")
    # The plan changes with a later commit of somebody else: who asked for the loss stays the same.
    flstr.ask("scale worker 1", DEVELOPER)
    again = flstr.settle()[-1]
    assert (again.status, again.id != waiting.id) == ("awaiting_approval", True)
    assert flstr.approve(again).startswith("You asked for this yourself")
    assert flstr.approve(again, REVIEWER) == "Approved; the operation starts."
    assert flstr.settle()[-1].status == "done"


def test_leave_of_somebody_who_lost_the_right_before_it_was_used_does_not_count(flstr: Flstr) -> None:
    waiting = flstr.removal()
    flstr.approve(waiting, REVIEWER)
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML.replace("may: [read, approve]", "may: [read]")})
    operations = flstr.settle()
    assert [item.status for item in operations[-2:]] == ["void", "awaiting_approval"]
    assert "worker103" in flstr.registry.read().nodes


def test_what_is_wanted_again_while_its_removal_runs_is_not_destroyed(flstr: Flstr) -> None:
    flstr.approve(flstr.removal(), REVIEWER)

    def somebody_restores_it(step: Step) -> None:
        if step.kind == "mesh.leave":
            flstr.cluster.push({"cluster.yaml": THREE_WORKERS})

    flstr.pretend.before = somebody_restores_it
    removal, restored = flstr.settle()[-2:]
    assert removal.sentence == "destroy worker103: worker103 is not to be removed any more; nothing more is destroyed"
    assert restored.status == "done"
    assert "node.destroy" not in flstr.pretend.done
    assert "worker103" in flstr.registry.read().nodes


def test_a_removal_that_goes_on_after_a_kill_asks_git_first(flstr: Flstr) -> None:
    waiting = flstr.removal()
    flstr.approve(waiting, REVIEWER)
    assert flstr.worker.look()
    queued = flstr.operations.get(waiting.id)
    assert queued is not None
    flstr.operations.save(queued.model_copy(update={"status": "running"}))
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert not {"mesh.leave", "node.destroy"} & set(flstr.pretend.done)


def test_no_leave_no_destruction(flstr: Flstr) -> None:
    waiting = flstr.removal()
    # As if a bug or a hand had let it go without anybody's leave.
    flstr.operations.save(waiting.model_copy(update={"status": "queued"}))
    flstr.settle()
    ended = flstr.operations.get(waiting.id)
    assert ended is not None
    assert ended.sentence.endswith("no leave was given for this plan; nothing more is destroyed")
    assert not {"mesh.leave", "node.destroy"} & set(flstr.pretend.done)


def test_ids_and_revisions_need_enough_of_them(flstr: Flstr) -> None:
    waiting = flstr.removal()
    assert "is no operation that waits" in flstr.ask(f"approve {waiting.id[:3]}", REVIEWER)
    assert "7 digits of it at least" in flstr.ask("sync a")
    assert flstr.ask(f"approve {waiting.id[-4:]} worker103", REVIEWER).startswith("Approved")


def test_leave_for_a_plan_that_changed_after_the_click_is_not_used(flstr: Flstr) -> None:
    waiting = flstr.removal()
    flstr.approve(waiting, REVIEWER)
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert {operation.id: operation.status for operation in flstr.operations.all()}[waiting.id] == "void"
    assert "worker103" in flstr.registry.read().nodes


def test_a_card_whose_leave_was_voided_by_a_controller_that_died_is_ended(flstr: Flstr) -> None:
    waiting = flstr.removal()
    (approval,) = flstr.operations.approvals()
    assert flstr.operations.change_approval(approval, approval.model_copy(update={"status": "void"}))
    flstr.settle()
    assert {item.id: item.status for item in flstr.operations.all()}[waiting.id] == "void"


def test_a_denial_that_arrives_with_a_sync_ends_its_card(flstr: Flstr, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = flstr.removal()
    flstr.ask("sync")

    def close_then_deny(
        operations: Operations, unended: Sequence[Operation], approvals: Sequence[Approval], now: float
    ) -> None:
        close_decided(operations, unended, approvals, now)
        monkeypatch.undo()
        assert flstr.ask(f"deny {denied.id}", REVIEWER) == "Denied; nothing is changed."

    monkeypatch.setattr("gitops.worker.close_decided", close_then_deny)
    flstr.settle()
    assert {item.id: item.status for item in flstr.operations.all()}[denied.id] == "void"


def test_a_click_between_reading_and_voiding_is_looked_at(flstr: Flstr, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = flstr.removal()
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    assert flstr.worker.look()

    def click_then_void(operations: Operations, approval: Approval, sentence: str) -> bool:
        monkeypatch.undo()
        flstr.approve(waiting, REVIEWER)
        return void(operations, approval, sentence)

    monkeypatch.setattr("gitops.leave.void", click_then_void)
    flstr.settle()
    assert {item.id: item.status for item in flstr.operations.all()}[waiting.id] == "void"
    assert [approval.status for approval in flstr.operations.approvals()] == ["void"]
    assert "worker103" in flstr.registry.read().nodes


def test_leave_for_an_operation_that_has_ended_is_not_looked_at_for_ever(flstr: Flstr) -> None:
    waiting = flstr.removal()
    flstr.approve(waiting, REVIEWER)
    flstr.operations.end(waiting, "void", "as if it had ended otherwise")
    flstr.settle()
    assert "worker103" in flstr.registry.read().nodes
