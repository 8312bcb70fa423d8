"""What has to be said of a record, as letters: its card, and what the card's thread hears. Pure."""

import math
from collections.abc import Callable, Iterator, Sequence

from bot.approvals.card import broken_glass, escalation, is_asked, reminder
from bot.cards import (
    decision,
    ending,
    failed_step,
    notice_parts,
    operation_card,
    output_refused,
    taken_back,
    told_line,
    too_long,
)
from bot.delivery import Letter, TextFile
from bot.message import Message
from bot.progress import ends_the_cluster
from gitops.buttons import ASKING
from gitops.heard import ENDING
from model.app import App
from model.operation import Approval, Notice, Operation, OperationStatus, StepState
from model.steps import BuildRelease, PlannedStep, StartInstance

# Another card says what becomes of these.
_SPOKEN_FOR: frozenset[OperationStatus] = frozenset({"void", "superseded"})


def card_letter(operation: Operation, approval: Approval | None, mentions: tuple[str, ...], channel: str) -> Letter:
    """The one card of an operation; `mentions` are of those who may decide."""
    card = operation_card(operation, approval, mentions)
    # What was approved begins once no button stands there any more.
    state = ASKING if is_asked(operation, approval) else ENDING if ends_the_cluster(operation) else operation.status
    return Letter(operation.id, card, f"{state} {card.digest()}", channel)


def paused_letter(operation: Operation, channel: str) -> Letter:
    """The card of work that goes on once flstr is there again."""
    card = operation_card(operation, paused=True)
    return Letter(operation.id, card, f"paused {card.digest()}", channel)


def thread_letters(
    operation: Operation,
    approval: Approval | None,
    mentioned: Sequence[str],
    channel: str,
    asked: tuple[str, ...] = (),
) -> list[Letter]:
    """Everything that the thread has to hear of an operation so far, in order.

    `mentioned` are the Slack users who wait for its end, `asked` are mentions of those who may decide.
    """
    found: list[Letter] = []

    def say(record: str, message: Message, *, broadcast: bool = False) -> None:
        name = f"{operation.id}/{record}"
        found.append(Letter(name, message, message.digest(), channel, parent=operation.id, broadcast=broadcast))

    def attach(record: str, step: PlannedStep, output: str) -> None:
        if too_long(output):
            name = f"{record.replace('/', '-')}.log"
            file = TextFile(name, f"Output of {step.title}"[:200], output)
            message = output_refused(step)
            record = f"{operation.id}/{record}/file"
            found.append(Letter(record, message, file.name, channel, parent=operation.id, file=file))

    for index, taken in enumerate(approval.decisions if approval is not None else ()):
        say(f"decision/{index}", decision(taken))
    found += _about_the_decision(operation, approval, asked, channel)
    for record, step in tellers(operation):
        for index, line in enumerate(operation.steps[step.id].told):
            say(f"told/{record}/{index}", told_line(step, line))
            attach(f"told/{record}/{index}", step, line.strip().partition("\n")[2])
    for step in operation.plan.steps:
        state = operation.steps.get(step.id)
        if state is not None and state.status == "failed":
            say(f"failed/{step.id}", failed_step(step, state))
            attach(f"failed/{step.id}", step, state.output)
    if speaks_of_its_end(operation, mentioned):
        say("end", ending(operation, mentioned), broadcast=operation.status not in _SPOKEN_FOR)
    return found


def _about_the_decision(
    operation: Operation, approval: Approval | None, asked: tuple[str, ...], channel: str
) -> Iterator[Letter]:
    """What the thread hears of a decision that does not come, or that one person took alone.

    Each is said as it was then, and never edited; of reminders that were missed, the newest is said.
    """

    def once(record: str, message: Message, *, broadcast: bool = False) -> Letter:
        name = f"{operation.id}/{record}"
        return Letter(name, message, "said", channel, parent=operation.id, broadcast=broadcast)

    if approval is None:
        return
    if is_asked(operation, approval):
        if approval.reminded:
            number = len(approval.reminded) - 1
            yield once(f"reminder/{number}", reminder(operation, approval, asked), broadcast=True)
        if approval.escalated is not None:
            yield once("escalation", escalation(operation, approval, asked), broadcast=True)
    if approval.glass is not None:
        yield once("glass", broken_glass(approval.glass))


def speaks(approval: Approval) -> bool:
    """Whether there is something that the thread hears of an approval."""
    return bool(approval.decisions or approval.reminded or approval.escalated or approval.glass)


def speaks_of_its_end(operation: Operation, mentioned: Sequence[str] = ()) -> bool:
    """Whether the end is said as well as shown: where it failed, and where somebody waits for it."""
    wanted = bool(mentioned) or operation.origin.person is not None
    return operation.ended_already() and (wanted or operation.status == "failed")


def words(operation: Operation) -> int:
    """How much the thread has to hear, to see whether that has become more; nothing is laid out for it."""
    told = sum(
        len(state.told) + (state.status in ("done", "failed") and bool(state.told)) for state in _states(operation)
    )
    failed = sum(state.status == "failed" for state in _states(operation))
    # Whoever follows is only known where it is read.
    return told + failed + operation.ended_already()


def notice_letters(notice: Notice, channel: str, is_known: Callable[[str], bool]) -> list[Letter]:
    """A notice, and what of it does not fit in one message in its thread; `is_known` says what was posted before."""
    found: list[Letter] = []
    for index, message in enumerate(notice_parts(notice)):
        record, parent = (f"{notice.id}/{index}", notice.id) if index else (notice.id, None)
        found.append(Letter(record, message, message.digest(), channel, parent=parent))
    while is_known(record := f"{notice.id}/{len(found)}"):
        message = taken_back()
        found.append(Letter(record, message, message.digest(), channel, parent=notice.id))
    return found


def _states(operation: Operation) -> Sequence[StepState]:
    return tuple(operation.steps.values())


def tellers(operation: Operation) -> list[tuple[str, PlannedStep]]:
    """The steps whose lines the thread hears, each by the id under which it hears them.

    A release that is built on many machines is told of once, by the machine that had it first. All of them share the
    id of the first in the plan: what is posted under it stays one message, whoever turns out to have been faster.
    """
    found: list[tuple[str, PlannedStep]] = []
    builds: dict[tuple[str, ...], list[PlannedStep]] = {}
    for step in operation.plan.steps:
        if (app := _built_by(step)) is not None:
            builds.setdefault((app.kind, app.app, app.commit, app.build or ""), []).append(step)
        elif step.id in operation.steps:
            found.append((step.id, step))
    for steps in builds.values():
        ended = [
            (state.ended or math.inf, number)
            for number, step in enumerate(steps)
            if (state := operation.steps.get(step.id)) is not None and state.told and _is_built(step, state)
        ]
        if ended:
            found.append((steps[0].id, steps[min(ended)[1]]))
    return found


def _built_by(step: PlannedStep) -> App | None:
    """The app whose commit a step builds, if it builds one."""
    match step.step:
        case BuildRelease(app=app) | StartInstance(app=app, build=True):
            return app
    return None


def _is_built(step: PlannedStep, state: StepState) -> bool:
    """A step that builds and starts tells of its build once that is done, whatever becomes of the start."""
    return state.status == "done" or isinstance(step.step, StartInstance)
