"""What the audit tells of each record: intents as answered, decisions, and what operations and holds did. Pure."""

from collections.abc import Iterable, Iterator

from gitops.audit.entries import Told
from gitops.holds.ends import in_words
from gitops.holds.rules import what as what_is_held
from model.cluster import Cluster
from model.operation import Approval, EndedHold, Hold, Intent, Operation

LONGEST_WORDS = 500
DECIDING = ("approve", "deny", "break-glass")


def of_intent(intent: Intent, cluster: Cluster | None) -> Iterator[Told]:
    """What somebody asked for, once it was answered."""
    if intent.status == "new":
        return
    words = _line(intent.words or " ".join((intent.verb, *intent.arguments)))
    said = f"refused: {_line(intent.answer)}" if intent.refused else "answered"
    yield Told(
        at=intent.asked,
        kind="intent",
        source=f"intent/{intent.id}",
        person=_asker(intent, cluster),
        place=intent.asker.where,
        what=f"{words}: {said}",
        operation=intent.operation,
    )


def of_approval(
    approval: Approval, operation: Operation | None, intents: Iterable[Intent], cluster: Cluster | None
) -> Iterator[Told]:
    """Each decision about an operation, with the digest of the plan that it is about."""
    revision = operation.revision if operation is not None else ""
    title = operation.plan.title if operation is not None else approval.operation
    bound = f"{title}, plan {approval.digest[:12]}"
    places = _decided_at(approval, intents, cluster)
    decided = [
        (f"decision/{approval.id}/{number}", one.person, one.at, f"{'approved' if one.approved else 'denied'}: {bound}")
        for number, one in enumerate(approval.decisions)
    ]
    if (glass := approval.glass) is not None:
        text = f"broke the glass: {bound}; reason: {_line(glass.reason)}"
        decided.append((f"glass/{approval.id}", glass.person, glass.at, text))
    for source, person, at, text in decided:
        place = places.get(person.lower(), "")
        yield Told(at, "decision", source, person, place, text, revision, approval.operation)


def of_operation(operation: Operation) -> Iterator[Told]:
    """That it began, and how it and each of its steps ended."""
    origin, title = operation.origin, operation.plan.title
    person = origin.person or origin.display

    def told(event: str, at: float, text: str) -> Told:
        source = f"operation/{operation.id}/{event}"
        return Told(at, "effect", source, person, origin.place, text, operation.revision, operation.id)

    if operation.started is not None:
        yield told("begins", operation.started, f"begins: {title}")
    if operation.ended_already():
        titles = {step.id: step.title for step in operation.plan.steps}
        steps = [
            f"{titles.get(name, name)}: {state.status}{f' ({_line(state.detail)})' if state.status == 'failed' else ''}"
            for name, state in operation.steps.items()
        ]
        sentence = f" ({_line(operation.sentence)})" if operation.sentence else ""
        text = f"ends {operation.status}: {'; '.join([f'{title}{sentence}', *steps])}"
        yield told("ends", operation.ended or operation.created, text)


def of_hold(hold: Hold) -> Iterator[Told]:
    """That it began."""
    until = "" if hold.until is None else f" until {in_words(hold.until)}"
    text = f"begins: {what_is_held(hold)}{until}: {_line(hold.reason)}"
    yield Told(hold.since, "effect", f"{_of(hold)}/begins", hold.person, hold.place, text, hold.revision)


def of_ended_hold(ended: EndedHold) -> Iterator[Told]:
    """That it began, where that was not told yet, and that it is over."""
    hold = ended.hold
    yield from of_hold(hold)
    text = f"ends: {what_is_held(hold)}: {_line(hold.reason)}"
    place = ended.place or ("" if ended.person else "by itself")
    yield Told(ended.at, "effect", f"{_of(hold)}/ends", ended.person or "flstr", place, text, hold.revision)


def _of(hold: Hold) -> str:
    return f"hold/{hold.id}-{hold.since:.3f}"


def _decided_at(approval: Approval, intents: Iterable[Intent], cluster: Cluster | None) -> dict[str, str]:
    """Where each person decided: the place of their newest word about this operation.

    By names in small letters: whoever is in no `people`, and in a team, decides under their Slack id written so.
    """
    about = [
        intent
        for intent in intents
        if intent.verb in DECIDING and intent.arguments and intent.arguments[0] in approval.operation
    ]
    about.sort(key=lambda intent: intent.asked)
    return {_asker(intent, cluster).lower(): intent.asker.where for intent in about}


def _asker(intent: Intent, cluster: Cluster | None) -> str:
    if cluster is None:
        return intent.asker.user
    find = cluster.person_by_slack if intent.asker.place == "slack" else cluster.person_by_email
    found = find(intent.asker.user)
    return intent.asker.user if found is None else found[0]


def _line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_WORDS]
