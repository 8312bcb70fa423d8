"""The gate before plans that destroy. Pure: a plan and the approvals there are, in; what to do, out."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.cluster import Cluster
from model.names import PersonName
from model.operation import Approval, Decision, Operation
from model.registered import Registered
from model.steps import Losses, Plan


@dataclass(frozen=True)
class Ruling:
    """What the gate says of a removal plan: approvals that no longer mean anything, and whether to ask anew."""

    void: tuple[Approval, ...]
    ask: bool


def rule(plan: Plan, approvals: Sequence[Approval]) -> Ruling:
    """A changed plan voids what was asked for the old one; one that was denied or expired is not asked for again."""
    digest = plan.digest() if plan.destroys() else ""
    live = tuple(item for item in approvals if item.status not in ("used", "void"))
    stale = tuple(item for item in live if item.digest != digest)
    return Ruling(void=stale, ask=plan.destroys() and len(stale) == len(live))


def decide(approval: Approval, cluster: Cluster, person: str, approved: bool, now: float) -> Approval | str:
    """The approval after one person's decision, or the sentence that says why it does not count."""
    refusal = _refusal(approval, cluster, person, approved, now)
    if refusal:
        return refusal
    decisions = (*approval.decisions, Decision(person=person, approved=approved, at=now))
    if not approved:
        return approval.model_copy(update={"decisions": decisions, "status": "denied"})
    decided = approval.model_copy(update={"decisions": decisions})
    return decided.model_copy(update={"status": "approved" if has_leave(decided, cluster) else "waiting"})


def approvers(approval: Approval, cluster: Cluster) -> tuple[PersonName, ...]:
    """Whose approval counts."""
    asked = approval.requesters if "requester" in cluster.approvals.not_by else ()
    return tuple(name for name in cluster.who_may("approve") if name not in asked)


def has_leave(approval: Approval, cluster: Cluster) -> bool:
    """Whether enough people approved who still may."""
    count = approvers(approval, cluster)
    return sum(item.approved and item.person in count for item in approval.decisions) >= approval.needed


def why_not_destroy(operation: Operation, approval: Approval | None, removal: Plan, registered: Registered) -> str:
    """Why an operation that was let go may not destroy after all; empty where it may.

    `removal` is what the newest revision would remove of what is `registered`.
    """
    if approval is None or approval.status != "used" or approval.digest != operation.plan.digest():
        return "no leave was given for this plan"
    wanted, now = operation.plan.losses or Losses(), removal.losses or Losses()
    there = registered.nodes.keys() | registered.hosts.keys() | {name for _, name in registered.apps}
    unwanted = {*now.nodes, *now.apps}
    kept = [name for name in (*wanted.nodes, *wanted.apps) if name in there and name not in unwanted]
    floating = registered.floating_ips.keys() - set(now.floating_ips)
    kept += [f"floating IP {name}" for name in wanted.floating_ips if name in floating]
    return f"{', '.join(kept)} is not to be removed any more" if kept else ""


def _refusal(approval: Approval, cluster: Cluster, person: str, approved: bool, now: float) -> str:
    if approval.status != "waiting":
        return f"This was already {approval.status}; nothing was changed."
    if now >= approval.expires:
        return "This has expired; ask again with `/flstr sync`."
    known = cluster.people.get(person)
    if known is None or "approve" not in known.may:
        return f"You may not decide this; {names(cluster.who_may('approve'))} may."
    if approved and person not in (others := approvers(approval, cluster)):
        return f"You asked for this yourself, so somebody else has to approve it: {names(others)}."
    if any(decision.person == person for decision in approval.decisions):
        return f"You have approved this already; {approval.needed} people have to."
    return ""


def names(people: Sequence[str]) -> str:
    """`operator, reviewer or lead`; 'nobody' for none."""
    if not people:
        return "nobody"
    return people[0] if len(people) == 1 else f"{', '.join(people[:-1])} or {people[-1]}"
