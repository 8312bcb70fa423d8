"""The gate before plans that destroy. Pure: a plan and the approvals there are, in; what to do, out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gitops.orphans import in_words
from gitops.rights import Standing, is_open, named
from model.cluster import Cluster
from model.names import PersonName, TeamName
from model.operation import Approval, BrokenGlass, Decision, Operation
from model.people import Part
from model.registered import Registered
from model.steps import Losses, Plan


@dataclass(frozen=True)
class Click:
    """One person's decision; `typed` are the names of the machines as they wrote them."""

    who: Standing
    approved: bool
    at: float
    typed: tuple[str, ...] = ()
    intent: str = ""


@dataclass(frozen=True)
class Asked:
    """Whose approval counts: people by name, and teams in which there may be others."""

    people: tuple[PersonName, ...]
    teams: tuple[TeamName, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """As a sentence names them."""
        return (*self.people, *(f"the team {name}" for name in self.teams))


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


def decide(
    approval: Approval, cluster: Cluster, click: Click, standing: Callable[[PersonName], Standing]
) -> Approval | str:
    """The approval after one person's decision, or the sentence that says why it does not count.

    `standing` is that of those who decided before.
    """
    refusal = _closed(approval, click.at) or _refusal(approval, cluster, click)
    if refusal:
        return refusal
    taken = Decision(person=click.who.person, approved=click.approved, at=click.at, intent=click.intent)
    decisions = (*approval.decisions, taken)
    if not click.approved:
        return approval.model_copy(update={"decisions": decisions, "status": "denied"})
    decided = approval.model_copy(update={"decisions": decisions})
    known = {click.who.person: click.who}
    enough = has_leave(decided, cluster, lambda person: known.get(person) or standing(person))
    return decided.model_copy(update={"status": "approved" if enough else "waiting"})


def break_glass(approval: Approval, glass: BrokenGlass) -> Approval | str:
    """The approval once somebody let it go without the others, or the sentence that says why that cannot be."""
    return _closed(approval, glass.at) or approval.model_copy(update={"status": "approved", "glass": glass})


def was_decided_by(approval: Approval, intent: str) -> bool:
    """Whether an intent had its effect already, before a controller was killed that was to answer it."""
    by_glass = approval.glass is not None and approval.glass.intent == intent
    return by_glass or any(one.intent == intent for one in approval.decisions)


def may_decide(approval: Approval, cluster: Cluster, who: Standing) -> bool:
    """Whether somebody is asked at all: by the policy's team, or the right; later by the team it escalates to."""
    policy = cluster.approvals
    asked = "approve" in who.may if policy.team is None else policy.team in who.teams
    second = policy.escalate is not None and approval.escalated is not None and policy.escalate.to in who.teams
    return asked or second


def waits_for(approval: Approval, cluster: Cluster, who: Standing, now: float) -> bool:
    """Whether an approval waits for this person: their approval would count, and they gave none yet."""
    undecided = _names(cluster, who.person).isdisjoint(decision.person for decision in approval.decisions)
    may = may_decide(approval, cluster, who) and not part(approval, cluster, who.person, who.email)
    return not _closed(approval, now) and may and undecided


def may_be_asked(cluster: Cluster, who: Standing) -> bool:
    """Whether somebody may decide some approval, now or later."""
    policy = cluster.approvals
    teams = {policy.team, policy.escalate.to if policy.escalate else None}
    return "approve" in who.may or not who.teams.isdisjoint(teams)


def part(approval: Approval, cluster: Cluster, person: str, email: str = "") -> str:
    """What somebody had to do with a plan, so that their approval does not count; empty for nothing."""
    stranger = bool(email) and email.lower() in approval.strangers
    names = _names(cluster, person)
    hands: dict[Part, bool] = {
        "requester": not names.isdisjoint(approval.requesters),
        "author": not names.isdisjoint(approval.authors) or stranger,
        "merger": not names.isdisjoint(approval.mergers) or stranger,
    }
    did: dict[Part, str] = {"requester": "asked for this", "author": "wrote this", "merger": "merged this"}
    return next((did[one] for one, had in hands.items() if had and one in cluster.approvals.not_by), "")


def _names(cluster: Cluster, person: str) -> set[str]:
    """All under which somebody may have acted: by their Slack id before they were in `people`."""
    known = cluster.people.get(person)
    return {person} if known is None else {person, known.slack.lower()}


def asked(approval: Approval, cluster: Cluster) -> Asked:
    """Who is asked to approve: those who may decide, without those whose approval does not count."""
    all_of_them = deciders(approval, cluster)
    people = tuple(name for name in all_of_them.people if not part(approval, cluster, name))
    return Asked(people, all_of_them.teams)


def deciders(approval: Approval, cluster: Cluster) -> Asked:
    """Who may decide at all; everybody of them may deny."""
    policy = cluster.approvals
    by_right = [name for name, team in sorted(cluster.teams.items()) if "approve" in team.may]
    teams = by_right if policy.team is None else [policy.team]
    if policy.escalate is not None and approval.escalated is not None:
        teams.append(policy.escalate.to)
    teams = [name for name in teams if name in cluster.teams]
    people = set(cluster.who_may("approve") if policy.team is None else ())
    people.update(name for team in teams for name in named(cluster, team))
    return Asked(tuple(sorted(people)), tuple(name for name in dict.fromkeys(teams) if is_open(cluster, name)))


def has_leave(approval: Approval, cluster: Cluster, standing: Callable[[PersonName], Standing]) -> bool:
    """Whether enough people approved who still may, or one broke the glass who still may."""
    if approval.glass is not None:
        return "break-glass" in standing(approval.glass.person).may
    people = [standing(item.person) for item in approval.decisions if item.approved]
    # By name, for somebody may have got one in `people` between two decisions.
    counting = {
        who.person
        for who in people
        if may_decide(approval, cluster, who) and not part(approval, cluster, who.person, who.email)
    }
    return len(counting) >= approval.needed


def wrong_names(approval: Approval, typed: Sequence[str]) -> str:
    """What to type instead, where that is not exactly the machines that would be destroyed."""
    if not approval.names or sorted(set(typed)) == sorted(approval.names):
        return ""
    names, one = " ".join(approval.names), len(approval.names) == 1
    wrong = f"not {' '.join(typed)[:200]}" if typed else f"so type {'its name' if one else 'their names'}"
    return f"This destroys {names}, {wrong}: approve {approval.id} {names}"


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
    kept += _kept_services(wanted, now, registered)
    known = set(map(in_words, registered.orphans.values()))
    kept += [one for one in wanted.orphans if one in known.difference(now.orphans)]
    if wanted.cluster and not now.cluster and (registered.hosts or registered.nodes):
        kept.append(f"cluster {wanted.cluster}")
    floating = registered.floating_ips.keys() - set(now.floating_ips)
    kept += [f"floating IP {name}" for name in wanted.floating_ips if name in floating]
    return f"{', '.join(kept)} is not to be removed any more" if kept else ""


def _kept_services(wanted: Losses, now: Losses, registered: Registered) -> list[str]:
    """Services that are wanted again, and restorations that are wanted no more and were not made yet."""
    records = {name: found.record for name, found in registered.services.items() if found.record is not None}
    kept = [f"service {name}" for name in wanted.services if name in records and name not in now.services]
    made = {f"{name} from {record.restored}" for name, record in records.items()}
    return kept + [
        f"the data of {one.partition(' ')[0]}" for one in wanted.restored if one not in {*made, *now.restored}
    ]


def _closed(approval: Approval, now: float) -> str:
    if approval.status == "void":
        return "The plan has changed since it was asked for, so this decides nothing; look at the newest card."
    if approval.status != "waiting":
        return f"This was already {approval.status}; nothing was changed."
    return "This has expired; ask again with `/flstr sync`." if now >= approval.expires else ""


def _refusal(approval: Approval, cluster: Cluster, click: Click) -> str:
    who = click.who
    if not may_decide(approval, cluster, who):
        doubt = " Slack does not say just now who is in the team." if who.unsure else ""
        return f"You may not decide this; {names(deciders(approval, cluster).words)} may.{doubt}"
    did = part(approval, cluster, who.person, who.email) if click.approved else ""
    if did:
        others = asked(approval, cluster).words
        return f"You {did} yourself, so somebody else has to approve it: {names(others)}."
    if not _names(cluster, who.person).isdisjoint(decision.person for decision in approval.decisions):
        return f"You have approved this already; {approval.needed} people have to."
    return wrong_names(approval, click.typed) if click.approved else ""


def names(people: Sequence[str]) -> str:
    """`operator, reviewer or lead`; 'nobody' for none."""
    if not people:
        return "nobody"
    return people[0] if len(people) == 1 else f"{', '.join(people[:-1])} or {people[-1]}"
