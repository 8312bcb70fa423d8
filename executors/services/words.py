"""What a person reads of a run that came to its end. Pure."""

from collections.abc import Iterable, Sequence

from executors.services.hearing import Changed, Heard
from model.names import AppName

# A step's thread is kept in etcd with its operation.
MOST_CHARACTERS = 4000


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
        yield f"{task} ({', '.join(sorted(nodes))})"
        yield from (f"    {line}" for line in lines)


def would_change(found: Sequence[Changed]) -> list[str]:
    """A line for each machine with the tasks that would change it."""
    by_node: dict[str, list[str]] = {}
    for one in found:
        by_node.setdefault(one.node, []).append(one.task)
    return [f"{node}: {', '.join(dict.fromkeys(tasks))}" for node, tasks in sorted(by_node.items())]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}\n… (cut short)"
