"""What a run says, event by event: its tasks, what they changed, and why it failed. Nothing of it is ever a secret's
value, for all that is kept goes through `hide` first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from executors.script import FENCED_MARK
from executors.services.diffs import diff_lines
from model.names import NodeName
from model.operation import StepTask, StepTasks

# More of them are counted alone: a step is one part of one value in etcd.
MOST_SHOWN = 20
NAME_CHARACTERS = 100
SENTENCE_CHARACTERS = 400
DIFF_LINES = 12
LINE_CHARACTERS = 160


@dataclass(frozen=True)
class Failure:
    """Why a machine went no further."""

    node: NodeName
    task: str
    why: str
    reached: bool = True

    @property
    def sentence(self) -> str:
        """As a person reads it."""
        if not self.reached:
            return f"{self.node}: Ansible did not reach it for the task '{self.task}': {self.why}"
        return f"{self.node}: the task '{self.task}' failed: {self.why}"


@dataclass(frozen=True)
class Changed:
    """A task that changed a machine, or would, and how."""

    node: NodeName
    task: str
    lines: tuple[str, ...] = ()


@dataclass
class _Task:
    name: str
    ended: bool = False
    ok: int = 0
    changed: int = 0
    failed: int = 0

    def shown(self) -> StepTask:
        status = "failed" if self.failed else "running" if not self.ended else "changed" if self.changed else "ok"
        return StepTask(name=self.name, status=status, ok=self.ok, changed=self.changed, failed=self.failed)


@dataclass
class Heard:
    """All that was heard of one run."""

    hide: Callable[[str], str] = lambda text: text
    failures: list[Failure] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    recap: dict[NodeName, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    # Machines of which one task said that they obey somebody else by now; they are asked themselves.
    overtaken: set[NodeName] = field(default_factory=set)
    _tasks: dict[str, _Task] = field(default_factory=dict)

    def hear(self, event: Mapping[str, Any]) -> bool:
        """Take an event in; whether the tasks are others by it."""
        kind, data = str(event.get("event")), event.get("event_data") or {}
        match kind:
            case "playbook_on_task_start" | "playbook_on_handler_task_start":
                self._begin(data)
            case "runner_on_ok":
                self._ended_well(data)
            case "runner_on_failed":
                self._failed(data)
            case "runner_on_unreachable":
                self._failed(data, reached=False)
            case "runner_on_skipped":
                self._task(data)
            case "playbook_on_stats":
                self._count(data)
                return False
            case _:
                self._say(str(event.get("stdout") or ""))
                return False
        return True

    def tasks(self) -> StepTasks:
        """The tasks that are worth a line."""
        every = [task.shown() for task in self._tasks.values()]
        telling = [task for task in every if task.status != "ok"]
        shown = telling[-MOST_SHOWN:]
        quiet = sum(1 for task in every if task.status == "ok" and task.ok) + len(telling) - len(shown)
        return StepTasks(shown=tuple(shown), quiet=quiet)

    def newest(self) -> str:
        """The task that was begun last, or nothing."""
        return next((task.name for task in reversed(self._tasks.values())), "")

    def end(self) -> None:
        """Nothing runs any more."""
        for task in self._tasks.values():
            task.ended = True

    def _begin(self, data: Mapping[str, Any]) -> None:
        self.end()
        self._task(data).ended = False

    def _ended_well(self, data: Mapping[str, Any]) -> None:
        task, result = self._task(data), data.get("res") or {}
        if not result.get("changed"):
            task.ok += 1
            return
        task.changed += 1
        self.changes.append(Changed(str(data.get("host")), task.name, self._lines(diff_lines(result))))

    def _failed(self, data: Mapping[str, Any], *, reached: bool = True) -> None:
        task, result, node = self._task(data), data.get("res") or {}, str(data.get("host"))
        if FENCED_MARK in str(result):
            self.overtaken.add(node)
        if data.get("ignore_errors"):
            task.ok += 1
            return
        task.failed += 1
        why = " ".join(self.hide(_why(result)).split())[:SENTENCE_CHARACTERS]
        self.failures.append(Failure(node, task.name, why or "it gave no reason", reached))

    def _count(self, data: Mapping[str, Any]) -> None:
        counts = {word: data.get(name) or {} for word, name in _COUNTS.items()}
        for node in sorted(set().union(*counts.values())):
            said = [(word, found.get(node, 0)) for word, found in counts.items()]
            self.recap[node] = " ".join(f"{word}={count}" for word, count in said if count or word in _ALWAYS)

    def _say(self, text: str) -> None:
        self.said += [line for line in self.hide(text).splitlines() if line.strip()]

    def _task(self, data: Mapping[str, Any]) -> _Task:
        uuid = str(data.get("task_uuid"))
        if uuid not in self._tasks:
            self._tasks[uuid] = _Task(" ".join(self.hide(str(data.get("task") or "a task")).split())[:NAME_CHARACTERS])
        return self._tasks[uuid]

    def _lines(self, lines: list[str]) -> tuple[str, ...]:
        shown = [self.hide(line)[:LINE_CHARACTERS] for line in lines[:DIFF_LINES]]
        left = len(lines) - len(shown)
        return (*shown, f"… and {left} more lines") if left > 0 else tuple(shown)


_COUNTS = {"ok": "ok", "changed": "changed", "failed": "failures", "unreachable": "dark"}
_ALWAYS = frozenset({"ok", "changed"})


def _why(result: Mapping[str, Any]) -> str:
    """The sentence of a task that failed; of a loop, that of its first turn that did."""
    for turn in result.get("results") or ():
        if isinstance(turn, Mapping) and turn.get("failed"):
            return _why(turn)
    said = [str(result.get(name) or "") for name in ("msg", "stderr", "module_stderr", "stdout", "module_stdout")]
    if result.get("msg") in ("non-zero return code", None, "") and any(said[1:]):
        last = next(text for text in said[1:] if text).strip().splitlines()
        return f"{said[0]}: {last[-1]}".removeprefix(": ") if last else said[0]
    return said[0] or str(result.get("censored") or "")
