"""The steps of an operation as a card shows them: all of a short plan, the telling ones of a long plan."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from slack_sdk.models.blocks import PlanBlock, RichTextBlock, RichTextSectionElement, SectionBlock, TaskCardBlock
from slack_sdk.models.blocks.block_elements import RichTextElementParts

from bot.message import Block
from bot.text import clip, fit
from model.operation import Operation, StepState, StepStatus, StepTask, StepTasks, TaskStatus

MOST_LINES = 40
TITLE_CHARACTERS = 100
DETAIL_CHARACTERS = 100
TASKS_SHOWN = 5
# Of all steps of a card: a message holds only so much.
TASK_LINES = 18
SECTION_CHARACTERS = 3000

# What is shown first where not everything fits.
_TELLING: dict[StepStatus, int] = {"failed": 0, "running": 1, "waiting": 2, "done": 3, "skipped": 4}
_TASK_STATUS: dict[StepStatus, str] = {
    "waiting": "pending",
    "running": "in_progress",
    "done": "complete",
    "failed": "error",
    "skipped": "pending",
}
_EMOJI: dict[StepStatus, str] = {
    "waiting": ":white_circle:",
    "running": ":large_blue_circle:",
    "done": ":white_check_mark:",
    "failed": ":x:",
    "skipped": ":fast_forward:",
}
_TASK_SIGN: dict[TaskStatus, str] = {"running": "▶", "ok": "✓", "changed": "✓", "failed": "✗"}


@dataclass(frozen=True)
class Line:
    """One step, or several folded into one; `tasks` are lines of its playbook's."""

    id: str
    title: str
    status: StepStatus
    detail: str = ""
    tasks: tuple[str, ...] = ()


def lines(operation: Operation, *, paused: bool = False) -> tuple[Line, ...]:
    """What a card shows of the steps, in the plan's order, at most `MOST_LINES` and a line for each folded status.

    Nothing is under way in an operation that has ended or is `paused`, whatever its steps were last noted as; nor is
    the last step of a cluster, whose end nobody may be there to tell.
    """
    at_rest = "not finished" if operation.ended_already() else "paused" if paused else ""
    at_rest = at_rest or ("begun" if ends_the_cluster(operation) else "")
    everything = [
        _line(step.id, step.title, operation.steps.get(step.id, StepState()), at_rest) for step in operation.plan.steps
    ]
    if len(everything) <= MOST_LINES:
        return tuple(_within(everything))
    telling = sorted(everything, key=lambda line: _TELLING[line.status])[:MOST_LINES]
    chosen = {line.id for line in telling}
    folded = Counter(line.status for line in everything if line.id not in chosen)
    ended = operation.ended_already()
    before = [_fold(status, folded[status], ended) for status in ("done", "skipped") if folded[status]]
    after = [_fold(status, folded[status], ended) for status in ("failed", "running", "waiting") if folded[status]]
    return (*before, *_within(line for line in everything if line.id in chosen), *after)


def _within(lines: Iterable[Line]) -> Iterable[Line]:
    """The lines with as many of their tasks as a card has room for."""
    left = TASK_LINES
    for line in lines:
        yield line if len(line.tasks) <= left else replace(line, tasks=())
        left -= len(line.tasks) if len(line.tasks) <= left else 0


def ends_the_cluster(operation: Operation) -> bool:
    """Whether the very last step has begun: flstr may go with it, and what is said by then stays."""
    last = [planned.id for planned in operation.plan.steps if planned.step.kind == "cluster.end"]
    return operation.status == "running" and any(
        operation.steps.get(it, StepState()).status == "running" for it in last
    )


def tally(operation: Operation) -> str:
    """`5 of 12 steps done, 1 failed`."""
    total = len(operation.plan.steps)
    counts = Counter(operation.steps.get(step.id, StepState()).status for step in operation.plan.steps)
    said = f"{counts['done']} of {total} step{'' if total == 1 else 's'} done"
    return said + "".join(f", {counts[status]} {status}" for status in ("failed", "skipped") if counts[status])


def plan_blocks(operation: Operation, *, paused: bool = False) -> tuple[Block, ...]:
    """A plan block with a task a line."""
    tasks = [_task(line) for line in lines(operation, paused=paused)]
    return (PlanBlock(title=tally(operation), tasks=tasks).to_dict(),) if tasks else ()


def section_blocks(operation: Operation, *, paused: bool = False) -> tuple[Block, ...]:
    """The same lines in plain sections."""
    said = [f"*{tally(operation)}*", *(_sentence(line) for line in lines(operation, paused=paused))]
    parts: list[str] = []
    for line in said if operation.plan.steps else ():
        if parts and len(parts[-1]) + 1 + len(line) <= SECTION_CHARACTERS:
            parts[-1] += "\n" + line
        else:
            parts.append(line)
    return tuple(SectionBlock(text=part).to_dict() for part in parts)


def _line(step_id: str, title: str, state: StepState, at_rest: str) -> Line:
    if at_rest and state.status == "running":
        return Line(step_id, title, "skipped" if at_rest == "not finished" else "waiting", at_rest)
    detail = state.detail if state.status in ("running", "failed", "skipped") else ""
    tasks = task_lines(state.tasks) if state.status in ("running", "failed") else ()
    return Line(step_id, title, state.status, detail or ("skipped" if state.status == "skipped" else ""), tasks)


def task_lines(tasks: StepTasks) -> tuple[str, ...]:
    """The newest tasks of a playbook that are under way, failed or changed something; a count of all before them."""
    shown = tasks.shown[-TASKS_SHOWN:]
    before = tasks.quiet + len(tasks.shown) - len(shown)
    folded = (f"✓ {before} other task{'' if before == 1 else 's'} done",) if before else ()
    return (*folded, *map(_task_line, shown))


def _task_line(task: StepTask) -> str:
    counts = [f"{word} on {count}" for word, count in (("changed", task.changed), ("failed", task.failed)) if count]
    return f"{_TASK_SIGN[task.status]} {task.name}" + (f" ({', '.join(counts)})" if counts else "")


def _fold(status: StepStatus, count: int, ended: bool) -> Line:
    waiting = "not started" if ended else "to come"
    steps = f"{count} other step{'' if count == 1 else 's'}"
    return Line(f"folded-{status}", f"{steps} {waiting if status == 'waiting' else status}", status)


def _task(line: Line) -> TaskCardBlock:
    said = (clip(" ".join(text.split()), DETAIL_CHARACTERS) for text in (line.detail, *line.tasks))
    detail = "\n".join(filter(None, said))
    return TaskCardBlock(
        task_id=line.id,
        title=clip(line.title, TITLE_CHARACTERS) or line.id,
        status=_TASK_STATUS[line.status],
        details=_rich_text(detail) if detail else None,
    )


def _rich_text(text: str) -> RichTextBlock:
    return RichTextBlock(elements=[RichTextSectionElement(elements=[RichTextElementParts.Text(text=text)])])


def _sentence(line: Line) -> str:
    detail = fit(" ".join(line.detail.split()), DETAIL_CHARACTERS)
    tasks = "".join(f"\n        {fit(' '.join(task.split()), DETAIL_CHARACTERS)}" for task in line.tasks)
    return f"{_EMOJI[line.status]} {fit(line.title, TITLE_CHARACTERS)}" + (f": {detail}" if detail else "") + tasks
