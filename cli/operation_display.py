"""An operation as a terminal shows it while it runs: its steps, each with its state, newest line and time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from model.operation import Operation, StepState, StepStatus, StepTask, TaskStatus

MARKS: dict[StepStatus, tuple[str, str]] = {
    "waiting": ("·", "dim"),
    "running": ("▶", "cyan"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "skipped": ("-", "dim"),
}
TASK_MARKS: dict[TaskStatus, tuple[str, str]] = {
    "running": ("▶", "cyan"),
    "ok": ("✓", "green"),
    "changed": ("✓", "yellow"),
    "failed": ("✗", "red"),
}


def took(state: StepState, now: float) -> str:
    """`12 s`, `2 min 5 s`; nothing for a step that has not begun."""
    if state.started is None:
        return ""
    seconds = max(0, round((state.ended if state.ended is not None else now) - state.started))
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


def detail_of(state: StepState) -> str:
    """Its newest line while that says something; a machine may have printed what would move the cursor."""
    if state.status not in ("running", "failed"):
        return ""
    return printable(state.detail)


def printable(text: str) -> str:
    """One line, in which nothing moves the cursor."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def task_text(task: StepTask) -> str:
    """A task of a playbook, and on how many machines it came to what."""
    counts = [f"{word} on {count}" for word, count in (("changed", task.changed), ("failed", task.failed)) if count]
    return printable(task.name) + (f" ({', '.join(counts)})" if counts else "")


def table(operation: Operation, now: float) -> Table:
    """The whole of it."""
    grid = Table.grid(padding=(0, 2))
    for _ in range(3):
        # In a narrow terminal a name goes on in the next line, whole.
        grid.add_column(overflow="fold")
    grid.add_column(justify="right")
    for step in operation.plan.steps:
        state = operation.steps[step.id]
        mark, style = MARKS[state.status]
        grid.add_row(Text(mark, style), Text(step.title), Text(detail_of(state), "dim"), took(state, now))
        if state.status not in ("running", "failed"):
            continue
        if state.tasks.quiet:
            quiet = f"✓ {state.tasks.quiet} task{'' if state.tasks.quiet == 1 else 's'} found nothing to change"
            grid.add_row("", Text(quiet, "dim"), "", "")
        for task in state.tasks.shown:
            mark, style = TASK_MARKS[task.status]
            grid.add_row("", Text(f"{mark} {task_text(task)}", style), "", "")
    return grid


@dataclass
class News:
    """What is new of an operation, a line each, where there is no terminal that could be written over."""

    _told: dict[str, tuple[StepStatus, str]] = field(default_factory=dict)
    _tasks: set[tuple[str, str]] = field(default_factory=set)

    def lines(self, operation: Operation, now: float) -> Iterator[str]:
        """One for each step that has begun or ended since; of what runs, the newest line; of a playbook, each task that
        changed something or failed."""
        for step in operation.plan.steps:
            state = operation.steps[step.id]
            detail = detail_of(state)
            told = (state.status, detail)
            if state.status == "waiting":
                continue
            ended = list(self._of_tasks(step.id, state))
            first = step.id not in self._told
            if not first:
                # What it did comes before how it ended, and after that it began.
                yield from ended
            if self._told.get(step.id) != told:
                self._told[step.id] = told
                mark, _ = MARKS[state.status]
                after = f" ({took(state, now)})" if state.ended is not None else ""
                yield f"{mark} {step.title}{after}{f': {detail}' if detail else ''}"
            if first:
                yield from ended

    def _of_tasks(self, step: str, state: StepState) -> Iterator[str]:
        for task in state.tasks.shown:
            text = f"    {TASK_MARKS[task.status][0]} {task_text(task)}"
            if task.status != "running" and (step, text) not in self._tasks:
                self._tasks.add((step, text))
                yield text


class Display:
    """Shows one on a console, until it is left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._news = News()
        can_be_written_over = console.is_terminal and not console.is_dumb_terminal
        self._live = Live(console=console, auto_refresh=False, transient=False) if can_be_written_over else None

    def __enter__(self) -> "Display":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, line: str) -> None:
        """A line between the steps."""
        self._console.print(line, markup=False)

    def show(self, operation: Operation) -> None:
        """As it is by now."""
        now = time.time()
        if self._live is not None:
            self._live.update(table(operation, now), refresh=True)
            return
        for line in self._news.lines(operation, now):
            self._console.print(line, markup=False)
