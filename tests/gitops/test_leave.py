"""Approvals as people and the worker handle them: teams, names, reminders, escalation, broken glass, the card."""

import json

import pytest

from gitops.directory import Profile
from model import keys
from model.operation import Approval, Card, Operation
from tests.gitops.flstr import DEVELOPER, OPERATOR, REVIEWER, THREE_WORKERS, Flstr
from tests.gitops.remote import git
from tests.gitops.scene import CLUSTER_YAML

GUEST = "U04GUEST"
GUESTS = "teams:\n  guests:\n    groups: [S02GUESTS]\n    may: [read, scale, approve]\n"
ESCALATES = CLUSTER_YAML.replace(
    "  expires: 1h", "  remind: 5m\n  escalate:\n    after: 10m\n    to: leads\n  expires: 1h"
) + ("teams:\n  leads:\n    people: [developer]\n")  # fmt: skip


def approval(flstr: Flstr, operation: Operation) -> Approval:
    found = flstr.operations.approval(operation.id)
    assert found is not None
    return found


def removal(flstr: Flstr, text: str) -> Operation:
    """worker103 is to go by a manifest that says something else as well."""
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": text})
    return flstr.settle()[-1]


def state(flstr: Flstr, operation: Operation) -> str:
    return {one.id: one.status for one in flstr.operations.all()}[operation.id]


def test_the_card_knows_who_wrote_it_what_to_type_and_what_is_lost(flstr: Flstr) -> None:
    waiting = approval(flstr, flstr.removal())
    assert (waiting.authors, waiting.requesters, waiting.names) == (("developer",), (), ("worker103",))
    facts = {fact.title: fact.text for fact in waiting.facts}
    assert facts["Mesh peers after"].startswith("vpn_ctrl 4 of 5")
    assert facts["etcd members after"] == "1 of 1"


def test_destroying_a_machine_takes_its_name(flstr: Flstr) -> None:
    waiting = flstr.removal()
    wanted = f"approve {waiting.id} worker103"
    assert flstr.ask(f"approve {waiting.id}", REVIEWER) == f"This destroys worker103, so type its name: {wanted}"
    assert flstr.ask(f"approve {waiting.id} worker102", REVIEWER) == (
        f"This destroys worker103, not worker102: {wanted}"
    )
    assert state(flstr, waiting) == "awaiting_approval"
    assert flstr.ask(wanted, REVIEWER) == "Approved; the operation starts."


class TestAGuest:
    """A Slack user who is in no `people`, and in a team by a user group."""

    @pytest.fixture(autouse=True)
    def team(self, flstr: Flstr) -> None:
        flstr.directory.groups["S02GUESTS"] = {GUEST}
        flstr.directory.profiles[GUEST] = Profile(GUEST, "A guest", "guest@flstr.lab")

    def test_commits_under_their_name_in_slack_and_counts_as_the_requester(self, flstr: Flstr) -> None:
        flstr.cluster.push({"cluster.yaml": THREE_WORKERS + GUESTS})
        flstr.settle()
        assert "3 → 2" in flstr.ask("scale worker 2", GUEST)
        waiting = flstr.settle()[-1]
        assert git(flstr.cluster.bare, "log", "-1", "--format=%an <%ae>", "main") == "A guest <guest@flstr.lab>"
        assert flstr.ask(f"approve {waiting.id} worker103", GUEST).startswith("You asked for this yourself")
        assert approval(flstr, waiting).requesters == ("u04guest",)

    def test_may_approve_as_long_as_they_are_in_the_group(self, flstr: Flstr) -> None:
        waiting = removal(flstr, CLUSTER_YAML + GUESTS)
        assert flstr.approve(waiting, GUEST) == "Approved; the operation starts."
        flstr.directory.groups["S02GUESTS"] = set()
        operations = flstr.settle()
        assert [one.status for one in operations[-2:]] == ["void", "awaiting_approval"]

    def test_whose_leave_cannot_be_looked_at_again_is_waited_for(self, flstr: Flstr) -> None:
        waiting = removal(flstr, CLUSTER_YAML + GUESTS)
        flstr.approve(waiting, GUEST)
        flstr.directory.silent = True
        flstr.settle()
        assert state(flstr, waiting) == "awaiting_approval"
        flstr.directory.silent = False
        flstr.settle()
        assert state(flstr, waiting) == "done"

    def test_is_told_who_may_when_they_may_not(self, flstr: Flstr) -> None:
        removal(flstr, CLUSTER_YAML + GUESTS)
        assert flstr.ask("deploy influencer@main", GUEST) == "You may not deploy; developer or operator may."
        assert flstr.ask("approve 7f3a", DEVELOPER) == (
            "You may not approve; operator, reviewer or the team guests may."
        )


def test_those_who_may_are_reminded_and_a_second_team_is_asked_later(flstr: Flstr) -> None:
    waiting = removal(flstr, ESCALATES)
    assert approval(flstr, waiting).reminded == ()
    assert flstr.approve(waiting, DEVELOPER) == "You may not decide this; operator or reviewer may."
    flstr.now[0] += 300
    flstr.settle()
    assert len(approval(flstr, waiting).reminded) == 1
    assert approval(flstr, waiting).escalated is None
    flstr.now[0] += 700
    flstr.settle()
    assert len(approval(flstr, waiting).reminded) == 2, "one that was missed is not made up for"
    assert approval(flstr, waiting).escalated is not None
    flstr.settle()
    assert len(approval(flstr, waiting).reminded) == 2
    # The developer wrote it, and may decide by now: only deny.
    assert flstr.approve(waiting, DEVELOPER).startswith("You wrote this yourself")
    assert flstr.ask(f"deny {waiting.id}", DEVELOPER) == "Denied; nothing is changed."


def test_a_changed_plan_says_what_has_changed_on_both_cards(flstr: Flstr) -> None:
    old = flstr.removal()
    one_worker = CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 1\n    first: 101")
    flstr.cluster.push({"cluster.yaml": one_worker})
    new = flstr.settle()[-1]
    ended = flstr.operations.get(old.id)
    assert ended is not None
    assert ended.sentence.startswith("the plan has changed since it was asked for: destroys worker102 as well; ")
    (fact,) = [fact for fact in approval(flstr, new).facts if old.id in fact.title]
    assert (fact.title, fact.text.split(";")[0]) == (
        f"In place of {old.id}, which is void",
        "destroys worker102 as well",
    )


class TestBrokenGlass:
    def test_goes_without_the_others_and_is_shouted_once(self, flstr: Flstr) -> None:
        waiting = flstr.removal()
        words = f"break-glass {waiting.id} nobody is awake & the disk is full"
        assert "hears of it" in flstr.ask(words, OPERATOR)
        assert flstr.ask(words, OPERATOR).startswith("This was already approved")
        assert flstr.settle()[-1].status == "done"
        glass = approval(flstr, waiting).glass
        assert glass is not None
        assert (glass.person, glass.reason) == ("operator", "nobody is awake & the disk is full")
        (shout,) = [json.loads(notice)["text"] for notice in flstr.notices() if "glass" in notice]
        assert shout.startswith(":rotating_light: <!channel> *operator breaks the glass*: 'destroy worker103'")
        assert shout.endswith("*Reason:* nobody is awake &amp; the disk is full")

    def test_takes_a_right_of_its_own(self, flstr: Flstr) -> None:
        waiting = flstr.removal()
        said = flstr.ask(f"break-glass {waiting.id} because", REVIEWER)
        assert said == "You may not break-glass; operator may."
        assert state(flstr, waiting) == "awaiting_approval"


class TestTheCard:
    """Whoever looks at the channel sees no button of what runs already."""

    def show(self, flstr: Flstr, operation: Operation, shown: str, ts: str = "1.0") -> None:
        card = Card(record=operation.id, channel="C1", ts=ts, shown=shown)
        flstr.store.put(keys.card(operation.id), card.to_json())

    @pytest.mark.parametrize(("shown", "ts"), [("asking 0123", "1.0"), ("", "1.0"), ("", "")])
    def test_work_waits_while_there_may_be_buttons_on_it(self, flstr: Flstr, shown: str, ts: str) -> None:
        waiting = flstr.removal()
        self.show(flstr, waiting, shown, ts)
        flstr.approve(waiting, REVIEWER)
        flstr.look()
        assert state(flstr, waiting) == "awaiting_approval"
        assert "node.destroy" not in flstr.pretend.done
        self.show(flstr, waiting, "awaiting_approval 4567")
        flstr.settle()
        assert state(flstr, waiting) == "done"
        flstr.worker.leave.stop()

    def test_a_change_of_the_card_wakes_the_worker(self, flstr: Flstr) -> None:
        waiting = flstr.removal()
        self.show(flstr, waiting, "asking 0123")
        flstr.approve(waiting, REVIEWER)
        flstr.look()
        flstr.worker._awake.clear()
        self.show(flstr, waiting, "awaiting_approval 4567")
        assert flstr.worker._awake.wait(60)
        flstr.worker.leave.stop()

    def test_work_waits_no_longer_than_ten_seconds_for_slack(self, flstr: Flstr) -> None:
        waiting = flstr.removal()
        self.show(flstr, waiting, "asking 0123")
        flstr.approve(waiting, REVIEWER)
        flstr.look()
        flstr.now[0] += 10
        flstr.settle()
        assert state(flstr, waiting) == "done"
