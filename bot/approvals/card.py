"""What a card and its thread say of an approval: what is lost, the facts, who is asked, what was decided. Pure."""

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, ConfirmObject, PlainTextObject

from bot.actions import APPROVE, DENY, NAME
from bot.message import Block, Message
from bot.parts import listed, moment, section
from bot.text import fit
from gitops.gate import Asked
from model.cluster import Cluster
from model.operation import Approval, BrokenGlass, Operation
from model.steps import Losses

FACT_CHARACTERS = 400
FACTS_CHARACTERS = 2900
MENTIONS_CHARACTERS = 600
# A button's value has 2,000 characters at most; of more names, the desk alone says what to type.
VALUE_CHARACTERS = 2000
NOBODY = "nobody who has the right to and had no hand in it"


def asks(operation: Operation, approval: Approval | None, mentions: Sequence[str]) -> tuple[Block, ...]:
    """What is asked for, with its buttons; nothing once it was decided."""
    if not is_asked(operation, approval) or approval is None:
        return ()
    may = _together(mentions)
    given = sum(decision.approved for decision in approval.decisions)
    count = f" ({given} of {approval.needed} so far)" if approval.needed > 1 else ""
    deadline = f"*May approve:* {may}{count}\n*Waits until:* {moment(approval.expires)}; then nothing is changed."
    above = section("\n".join(part for part in (lost(operation.plan.losses or Losses()), deadline) if part))
    known = [section(text)] if (text := facts(approval)) else []
    return (above, *known, ActionsBlock(elements=buttons(approval)).to_dict())


def is_asked(operation: Operation, approval: Approval | None) -> bool:
    """Whether there are buttons on the card."""
    return operation.status == "awaiting_approval" and approval is not None and approval.status == "waiting"


def lost(losses: Losses) -> str:
    """What a plan would destroy."""
    parts = (
        ("The whole cluster, with all that bears its label in the cloud", losses.cluster and (losses.cluster,)),
        ("Machines destroyed", losses.nodes),
        ("Apps removed", losses.apps),
        ("Services removed, with their data", losses.services),
        ("Data replaced by a backup", losses.restored),
        ("Floating IPs given back", losses.floating_ips),
        ("Known to nobody, given back", losses.orphans),
        (
            "Machines of the same pools that stay",
            losses.nodes and not losses.cluster and (losses.remaining or ("none",)),
        ),
    )
    return "\n".join(f"*{title}:* {listed(names)}" for title, names in parts if names)


def facts(approval: Approval) -> str:
    """What to know before deciding, a line each."""
    lines: list[str] = []
    for fact in approval.facts:
        line = f"*{fit(fact.title, 80)}:* {fit(fact.text, FACT_CHARACTERS)}"
        if len("\n".join([*lines, line])) > FACTS_CHARACTERS:
            break
        lines.append(line)
    return "\n".join(lines)


def buttons(approval: Approval) -> list[ButtonElement]:
    """Approve, which asks for the names of machines where they are destroyed, and Deny."""
    sure = ConfirmObject(
        title="Deny this plan?",
        text=PlainTextObject(text="It is not carried out, and the machines stay as they are."),
        confirm="Deny",
        deny="Back",
        style="danger",
    )
    named = " ".join([approval.id, *approval.names])
    value = named if len(named) <= VALUE_CHARACTERS else approval.id
    action = NAME if approval.names else APPROVE
    return [
        ButtonElement(text="Approve", action_id=action, value=value, style="primary"),
        ButtonElement(text="Deny", action_id=DENY, value=approval.id, style="danger", confirm=sure),
    ]


def decided(approval: Approval) -> str:
    """Who decided how, in a sentence each."""
    by = {
        word: [taken.person for taken in approval.decisions if taken.approved == (word == "Approved")]
        for word in ("Approved", "Denied")
    }
    said = [f"{word} by {listed(people)}." for word, people in by.items() if people]
    if approval.glass is not None:
        said.append(f"The glass was broken by {fit(approval.glass.person, 100)}: {fit(approval.glass.reason, 300)}")
    return " ".join(said)


def mentions_of(cluster: Cluster, asked: Asked, approval: Approval) -> tuple[str, ...]:
    """Who is asked and has not decided yet, so that Slack tells them: people, user groups, channels."""
    decided_already = {taken.person for taken in approval.decisions}
    people = [f"<@{cluster.people[name].slack}>" for name in asked.people if name not in decided_already]
    found: list[str] = []
    for name in asked.teams:
        team = cluster.teams[name]
        found += [f"<@{user}>" for user in team.users if user.lower() not in decided_already]
        found += [f"<!subteam^{group}>" for group in team.groups]
        found += [f"the members of #{channel}" for channel in team.channels]
    return tuple(dict.fromkeys([*people, *found]))


def reminder(operation: Operation, approval: Approval, mentions: Sequence[str]) -> Message:
    """What the thread hears when nobody has decided for a while."""
    who = _together(mentions)
    title = fit(operation.plan.title, 200)
    text = f":bell: {who}: '{title}' still waits for a decision, until {moment(approval.expires)}."
    return Message(text=f"{title} still waits for a decision", blocks=(section(text),))


def escalation(operation: Operation, approval: Approval, mentions: Sequence[str]) -> Message:
    """What the thread hears when a second team may decide as well."""
    who = _together(mentions)
    title = fit(operation.plan.title, 200)
    text = (
        f":mega: {who}: nobody has decided about '{title}' yet; you may as well now, until {moment(approval.expires)}."
    )
    return Message(text=f"More people may decide about {title}", blocks=(section(text),))


def broken_glass(glass: BrokenGlass) -> Message:
    """What the thread hears when somebody goes without the approvals that are needed."""
    person = fit(glass.person, 100)
    text = f":rotating_light: *{person} broke the glass*, {moment(glass.at)}: {fit(glass.reason, 700)}"
    return Message(text=f"{person} broke the glass", blocks=(section(text),))


def _together(mentions: Sequence[str]) -> str:
    """As many as there is room for; half of one would mention nobody."""
    shown: list[str] = []
    for mention in mentions:
        if len(" ".join([*shown, mention])) > MENTIONS_CHARACTERS:
            break
        shown.append(mention)
    return " ".join(shown) or NOBODY
