"""Who may let a plan go that destroys, and when leave no longer counts."""

from dataclasses import replace
from functools import partial

import pytest

from gitops.gate import Click, break_glass, decide, has_leave, rule
from gitops.plan import plan
from gitops.rights import Rights
from model.cluster import Cluster
from model.operation import Approval, ApprovalStatus, BrokenGlass, Decision
from model.people import Person
from model.steps import Plan
from tests.gitops.scene import manifests, registered

CLUSTER = manifests().cluster
REMOVAL = plan(manifests(), registered(workers=3)).removal
OTHER = plan(manifests(), registered(workers=4)).removal


def approval(plan: Plan = REMOVAL, status: ApprovalStatus = "waiting", needed: int = 1, **more: object) -> Approval:
    made = Approval(
        id="1", operation="1", digest=plan.digest(), requesters=("operator",), needed=needed, asked=0, expires=100
    )
    return made.model_copy(update={"status": status, **more})


def click(
    waiting: Approval, person: str, approved: bool, at: float, cluster: Cluster = CLUSTER, typed: tuple[str, ...] = ()
) -> Approval | str:
    """What becomes of an approval by one person's click."""
    known = partial(Rights().person, cluster)
    return decide(waiting, cluster, Click(known(person), approved, at, typed), known)


def test_a_plan_that_destroys_is_asked_for_once() -> None:
    assert rule(REMOVAL, []).ask
    assert not rule(REMOVAL, [approval()]).ask


def test_what_was_denied_or_expired_is_not_asked_again() -> None:
    assert not rule(REMOVAL, [approval(status="denied")]).ask
    assert not rule(REMOVAL, [approval(status="expired")]).ask


def test_a_changed_plan_voids_the_old_card_and_asks_anew() -> None:
    ruling = rule(OTHER, [approval()])
    assert ruling.void == (approval(),)
    assert ruling.ask


def test_a_denial_is_forgotten_once_nothing_is_to_be_destroyed() -> None:
    assert rule(Plan(title=""), [approval(status="denied")]).void == (approval(status="denied"),)


def test_leave_that_was_used_does_not_count_for_the_same_plan_later() -> None:
    assert rule(REMOVAL, [approval(status="used")]).ask


def test_a_second_person_approves() -> None:
    after = click(approval(), "reviewer", True, 1)
    assert isinstance(after, Approval)
    assert (after.status, after.decisions[0].person) == ("approved", "reviewer")


def test_the_requester_may_not_approve_but_may_deny() -> None:
    assert click(approval(), "operator", True, 1) == (
        "You asked for this yourself, so somebody else has to approve it: reviewer."
    )
    after = click(approval(), "operator", False, 1)
    assert isinstance(after, Approval)
    assert after.status == "denied"


def test_a_person_without_the_right_is_told_who_has_it() -> None:
    assert click(approval(), "developer", True, 1) == ("You may not decide this; operator or reviewer may.")


def test_an_expired_or_decided_approval_takes_no_more_decisions() -> None:
    assert "expired" in str(click(approval(), "reviewer", True, 100))
    assert "already denied" in str(click(approval(status="denied"), "reviewer", True, 1))


def test_leave_of_somebody_who_may_not_approve_any_more_does_not_count() -> None:
    first = click(approval(needed=2, requesters=()), "operator", True, 1)
    assert isinstance(first, Approval)
    reviewer = CLUSTER.people["reviewer"]
    lead = reviewer.model_copy(update={"slack": "U04LEAD", "email": "lead@flstr.lab"})
    without = CLUSTER.model_copy(update={"people": {"reviewer": reviewer, "lead": lead}})
    second = click(first, "reviewer", True, 2, without)
    assert isinstance(second, Approval)
    assert second.status == "waiting"
    third = click(second, "lead", True, 3, without)
    assert isinstance(third, Approval)
    assert third.status == "approved"


def test_two_people_may_be_needed() -> None:
    first = click(approval(needed=2, requesters=()), "reviewer", True, 1)
    assert isinstance(first, Approval)
    assert first.status == "waiting"
    assert "already" in str(click(first, "reviewer", True, 2))
    second = click(first, "operator", True, 2)
    assert isinstance(second, Approval)
    assert second.status == "approved"


def policy(teams: dict[str, object], **approvals: object) -> Cluster:
    """The example's cluster with other teams and another policy."""
    told = {**CLUSTER.model_dump(by_alias=True), "teams": teams}
    return Cluster.model_validate({**told, "approvals": {**told["approvals"], **approvals}})


def test_where_a_team_is_named_nobody_else_may_decide() -> None:
    leads = policy({"leads": {"people": ["developer"]}}, team="leads")
    assert click(approval(), "reviewer", True, 1, leads) == "You may not decide this; developer may."
    after = click(approval(), "developer", True, 1, leads)
    assert isinstance(after, Approval)
    assert after.status == "approved"


def test_a_second_team_may_decide_once_it_was_escalated() -> None:
    second = policy({"leads": {"people": ["developer"]}}, escalate={"after": "10m", "to": "leads"})
    assert "may not decide this" in str(click(approval(), "developer", True, 1, second))
    after = click(approval(escalated=1.0), "developer", True, 2, second)
    assert isinstance(after, Approval)
    assert after.status == "approved"
    assert isinstance(click(approval(escalated=1.0), "reviewer", True, 2, second), Approval)


@pytest.mark.parametrize(("part", "did"), [("requesters", "asked for"), ("authors", "wrote"), ("mergers", "merged")])
def test_who_had_a_hand_in_it_may_not_approve_unless_the_policy_says_so(part: str, did: str) -> None:
    waiting = approval(requesters=()).model_copy(update={part: ("reviewer",)})
    assert click(waiting, "reviewer", True, 1) == (
        f"You {did} this yourself, so somebody else has to approve it: operator."
    )
    others = [name for name in ("requester", "author", "merger") if name != part.removesuffix("s")]
    assert isinstance(click(waiting, "reviewer", True, 1, policy({}, not_by=others)), Approval)


def test_an_author_who_is_in_no_people_is_known_by_the_address() -> None:
    group = policy({"guests": {"users": ["U04GUEST"], "may": ["approve"]}})
    guest = replace(Rights().person(group, "u04guest"), email="Guest@flstr.lab")
    waiting = approval(requesters=(), strangers=("guest@flstr.lab",))
    said = decide(waiting, group, Click(guest, True, 1), partial(Rights().person, group))
    assert said == "You wrote this yourself, so somebody else has to approve it: operator, reviewer or the team guests."


NAMED = approval(names=("worker103", "worker104"))


@pytest.mark.parametrize("typed", [("worker103", "worker104"), ("worker104", "worker103", "worker104")])
def test_the_names_of_the_machines_in_any_order_are_leave_to_destroy_them(typed: tuple[str, ...]) -> None:
    assert isinstance(click(NAMED, "reviewer", True, 1, typed=typed), Approval)


@pytest.mark.parametrize(
    "typed", [(), ("worker103",), ("worker103", "worker104", "worker105"), ("Worker103", "worker104")]
)
def test_other_names_are_not(typed: tuple[str, ...]) -> None:
    assert str(click(NAMED, "reviewer", True, 1, typed=typed)).endswith(": approve 1 worker103 worker104")


def test_to_deny_takes_no_names() -> None:
    assert isinstance(click(NAMED, "operator", False, 1), Approval)


def test_broken_glass_lets_it_go_while_the_person_still_may() -> None:
    after = break_glass(approval(needed=2), BrokenGlass(person="operator", reason="the disk is full", at=5))
    assert isinstance(after, Approval)
    assert (after.status, after.glass) == ("approved", BrokenGlass(person="operator", reason="the disk is full", at=5))
    assert has_leave(after, CLUSTER, partial(Rights().person, CLUSTER))
    theirs = CLUSTER.people["operator"].model_copy(update={"may": ("read", "approve")})
    without = CLUSTER.model_copy(update={"people": {**CLUSTER.people, "operator": theirs}})
    assert not has_leave(after, without, partial(Rights().person, without))
    assert "already denied" in str(
        break_glass(approval(status="denied"), BrokenGlass(person="operator", reason="why", at=1))
    )


def test_who_got_a_name_in_people_meanwhile_counts_once_and_does_not_approve_their_own() -> None:
    cluster = CLUSTER.model_copy(
        update={"people": {**CLUSTER.people, "guest": Person(slack="U04GUEST", email="g@flstr.lab", may=("approve",))}}
    )
    before = (Decision(person="u04guest", approved=True, at=1),)
    waiting = approval(needed=2, decisions=before)
    assert click(waiting, "guest", True, 2, cluster) == "You have approved this already; 2 people have to."
    twice = (*before, Decision(person="guest", approved=True, at=2))
    assert not has_leave(approval(needed=2, decisions=twice), cluster, partial(Rights().person, cluster))
    asked = click(approval(requesters=("u04guest",)), "guest", True, 2, cluster)
    assert str(asked).startswith("You asked for this yourself")
