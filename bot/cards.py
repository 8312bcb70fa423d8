"""Records become messages: an operation's card, what is said in its thread, a notice. Pure, and without a clock."""

from collections.abc import Sequence

from slack_sdk.models.blocks import ContextBlock, HeaderBlock, MarkdownTextObject, PlainTextObject

from bot.approvals.card import asks, decided
from bot.message import Block, Message
from bot.parts import moment, section
from bot.progress import ends_the_cluster, plan_blocks, section_blocks, tally
from bot.text import clip, duration, fit, split
from model.mrkdwn import MORE, SIGNS, code_block
from model.operation import Approval, Decision, Notice, Operation, OperationStatus, StepState
from model.steps import PlannedStep

HEADER_CHARACTERS = 150
SENTENCE_CHARACTERS = 700
OUTPUT_CHARACTERS = 2800
SECTION_CHARACTERS = 3000
NOTICE_CHARACTERS = 9000
# More of them might not fit in a section with all else.
MENTIONED = 40
TEXT_CHARACTERS = 300
PAUSED = "paused; goes on when flstr starts again"
PAUSED_SIGN = ":double_vertical_bar:"
LAST_NEWS = "the last machines are given back now"
LAST_SIGN = ":checkered_flag:"

WORDS: dict[OperationStatus, str] = {
    "awaiting_approval": "waits for an approval",
    "queued": "queued",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "denied": "denied",
    "expired": "expired",
    "void": "void",
    "superseded": "given up for a newer one",
}
ENDINGS: dict[OperationStatus, str] = {
    "done": "Done.",
    "failed": "Failed.",
    "cancelled": "Cancelled.",
    "denied": "Denied; nothing was changed.",
    "expired": "Nobody decided in time; nothing was changed.",
    "void": "The plan is no longer what was asked about; nothing was changed.",
    "superseded": "A newer one takes its place.",
}


def operation_card(
    operation: Operation,
    approval: Approval | None = None,
    mentions: Sequence[str] = (),
    *,
    paused: bool = False,
) -> Message:
    """The one card of an operation; `mentions` are of those who may decide.

    Of one that is `paused`, as of one that has ended, no step is shown as under way.
    """
    above = (HeaderBlock(text=_header(operation, paused=paused)).to_dict(), _context(operation, paused=paused))
    asked = asks(operation, approval, mentions)
    below = _ending(operation, approval)
    return Message(
        text=fit(f"{operation.plan.title}: {_outcome(operation, paused=paused)}", TEXT_CHARACTERS),
        blocks=(*above, *asked, *plan_blocks(operation, paused=paused), *below),
        plain_blocks=(*above, *asked, *section_blocks(operation, paused=paused), *below),
    )


def failed_step(step: PlannedStep, state: StepState) -> Message:
    """What the thread hears of a step that failed: its sentence and its last lines of output."""
    sentence = f":x: *{fit(step.title, 200)}* failed: {fit(state.detail or 'no reason was given', SENTENCE_CHARACTERS)}"
    blocks = [section(sentence)]
    if state.output.strip():
        blocks += _output(state.output)
    return Message(text=fit(f"{step.title} failed: {state.detail}", TEXT_CHARACTERS), blocks=tuple(blocks))


def told_line(step: PlannedStep, line: str) -> Message:
    """What the thread hears of something a step tells: its first line, and what follows as the output it is."""
    first, _, output = line.strip().partition("\n")
    blocks = [section(f":speech_balloon: *{fit(step.title, 200)}*: {fit(first, SENTENCE_CHARACTERS)}")]
    if output.strip():
        blocks += _output(output)
    return Message(text=fit(f"{step.title}: {first}", TEXT_CHARACTERS), blocks=tuple(blocks))


def decision(taken: Decision) -> Message:
    """What the thread hears of a click."""
    emoji, verb = (":thumbsup:", "approved") if taken.approved else (":no_entry:", "denied")
    text = f"{emoji} {fit(taken.person, 100)} {verb} this plan, {moment(taken.at)}."
    return Message(text=f"{fit(taken.person, 100)} {verb} this plan", blocks=(section(text),))


def too_long(output: str) -> bool:
    """Whether the thread has an output in a file, since a message would show its last lines only."""
    return len(code_block(output, len(output) * 5 + OUTPUT_CHARACTERS)) > OUTPUT_CHARACTERS


def output_refused(step: PlannedStep) -> Message:
    """What the thread hears where Slack takes no file."""
    where = fit(step.title, 200)
    return Message(f":warning: Slack does not take the whole output of {where} as a file.")


def ending(operation: Operation, mentioned: Sequence[str] = ()) -> Message:
    """What is said at the end; `mentioned` are the Slack users who wait for it."""
    took = _took(operation)
    text = f"{SIGNS[operation.status]} {_sentence(operation)}" + (f" ({tally(operation)}, {took})" if took else "")
    to = " ".join(f"<@{user}>" for user in mentioned[:MENTIONED])
    title = f"*{fit(operation.plan.title, 200)}*"
    return Message(
        text=fit(f"{operation.plan.title}: {_outcome(operation)}", TEXT_CHARACTERS),
        blocks=(section(f"{to} {title}\n{text}".strip()),),
    )


def notice_parts(notice: Notice) -> tuple[Message, ...]:
    """Something that the channel hears once, in as many messages as it takes; its text is Slack mrkdwn."""
    parts = [part for part in split(notice.text, NOTICE_CHARACTERS) if part.strip()] or [MORE]
    return tuple(_notice(part) for part in parts)


def taken_back() -> Message:
    """What is left of a message whose notice has become shorter."""
    return Message("_No longer so; the message above says how it is._")


def _notice(text: str) -> Message:
    sections = [part for part in split(text, SECTION_CHARACTERS) if part.strip()]
    return Message(text=clip(text, TEXT_CHARACTERS) or MORE, blocks=tuple(section(part) for part in sections))


def _output(output: str) -> list[Block]:
    shown = [section(code_block(output, OUTPUT_CHARACTERS))]
    return (
        [*shown, section("_These are its last lines; the file below has all of them._")] if too_long(output) else shown
    )


def _header(operation: Operation, *, paused: bool) -> PlainTextObject:
    sign = PAUSED_SIGN if paused else LAST_SIGN if ends_the_cluster(operation) else SIGNS[operation.status]
    title = clip(f"{sign} {operation.plan.title}", HEADER_CHARACTERS)
    return PlainTextObject(text=title, emoji=True)


def _context(operation: Operation, *, paused: bool) -> Block:
    origin = operation.origin
    who = f"asked by *{fit(origin.person or origin.display, 80)}*"
    words = f" with `{fit(origin.words.replace('`', ' '), 100)}`" if origin.words.strip() else ""
    said = [
        _word(operation, paused=paused),
        f"{who}{words}",
        fit(origin.place, 60),
        f"revision `{fit(operation.revision[:7], 40)}`",
    ]
    if operation.ended_already():
        said += [took] if (took := _took(operation)) else []
    elif operation.started is not None:
        said.append(f"since {moment(operation.started)}")
    else:
        said.append(f"asked {moment(operation.created)}")
    return ContextBlock(elements=[MarkdownTextObject(text=" · ".join(said))]).to_dict()


def _ending(operation: Operation, approval: Approval | None) -> tuple[Block, ...]:
    said = [_sentence(operation)] if operation.ended_already() else []
    # The sentence of one that was denied says by whom.
    told = operation.status == "denied" and bool(operation.sentence)
    said += [taken] if approval is not None and not told and (taken := decided(approval)) else []
    return (section("\n".join(said)),) if said else ()


def _sentence(operation: Operation) -> str:
    return fit(operation.sentence, SENTENCE_CHARACTERS) or ENDINGS.get(operation.status, WORDS[operation.status])


def _outcome(operation: Operation, *, paused: bool = False) -> str:
    if operation.ended_already() and operation.sentence:
        said, word = operation.sentence, WORDS[operation.status]
        return said if said.startswith(word) else f"{word}. {said}"
    return f"{_word(operation, paused=paused)}, {tally(operation)}"


def _word(operation: Operation, *, paused: bool) -> str:
    return PAUSED if paused else LAST_NEWS if ends_the_cluster(operation) else WORDS[operation.status]


def _took(operation: Operation) -> str:
    said_already = operation.sentence.startswith(f"{WORDS['done']} in ")
    if operation.started is None or operation.ended is None or said_already:
        return ""
    return f"took {duration(operation.ended - operation.started)}"
