"""What a person reads of a run that came to its end. Pure."""

from collections.abc import Iterable, Sequence

from executors.services.hearing import Changed, Heard
from model.names import AppName

# A step's thread is kept in etcd with its operation.
MOST_CHARACTERS = 4000
INDENT = "    "


def told(service: AppName, heard: Heard) -> str:
    """The recap of each machine, and below it what changed."""
    recap = ", ".join(f"{node} {counts}" for node, counts in sorted(heard.recap.items()))
    return _cut("\n".join([f"{service}: {recap or 'nothing was run'}", *changes(heard.changes)]))


def changes(found: Sequence[Changed]) -> Iterable[str]:
    """Each task that changed something, with its machines, and how where it says so."""
    by_task: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for one in found:
        by_task.setdefault((one.task, one.lines), []).append(one.node)
    for (task, lines), nodes in by_task.items():
        yield from _with_lines(f"{task} ({', '.join(sorted(nodes))})", lines)


def would_change(found: Sequence[Changed]) -> list[str]:
    """For each machine the tasks that would change it, and how where they say so; what one has to say leaves room for
    the others."""
    by_node: dict[str, dict[tuple[str, tuple[str, ...]], None]] = {}
    for one in found:
        by_node.setdefault(one.node, {})[one.task, one.lines] = None
    room = MOST_CHARACTERS // max(1, len(by_node))
    return [_cut(f"{node}: {_told_below(tasks)}", room) for node, tasks in sorted(by_node.items())]


def _told_below(tasks: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Tasks with their lines; all but the first stand further in than the machine that they are of."""
    return f"\n{INDENT}".join(line for task, lines in tasks for line in _with_lines(task, lines))


def _with_lines(task: str, lines: Iterable[str]) -> Iterable[str]:
    yield task
    yield from (f"{INDENT}{line}" for line in lines)


def _cut(text: str, room: int = MOST_CHARACTERS) -> str:
    return text if len(text) <= room else f"{text[:room]}\n… (cut short)"
