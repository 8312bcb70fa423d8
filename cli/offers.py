"""What a terminal is asked before something is done: whether another line was meant, whether it is, and names."""

import sys
from collections.abc import Callable, Sequence

from gitops.verbs.operation_ids import meant
from model.errors import Refused
from model.operation import Approval


def on_a_terminal() -> bool:
    """Whether somebody is there to answer; a stream that is closed is None, or raises."""
    try:
        return bool(sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty())
    except ValueError:
        return False


def agreed(question: str) -> bool:
    """Whether a person says yes; an end of what they type is a no."""
    return typed(f"{question} [y/N] ").lower() in ("y", "yes")


def typed(question: str) -> str:
    """What a person types, as one line."""
    try:
        return input(question).strip()
    except EOFError:
        print()
        return ""


def refused_or_meant(error: Refused, prefix: str) -> str:
    """The line that a person meant, once they have said so. Raises `Refused` otherwise, with the line to type."""
    if not error.instead:
        raise error
    if not on_a_terminal():
        raise Refused(
            f"{error.sentence.rstrip('.')}{'' if error.sentence.endswith('?') else ';'} write: {prefix} {error.instead}"
        )
    if not agreed(f"{error.sentence} Did you mean `{prefix} {error.instead}`?"):
        raise error
    return error.instead


def with_names(
    arguments: tuple[str, ...],
    approvals: Sequence[Approval],
    ask: Callable[[str], str] = typed,
    may_ask: Callable[[], bool] = on_a_terminal,
) -> tuple[str, ...]:
    """The arguments of `approve`, with the names that a person has to type where machines go."""
    waiting = {one.id: one for one in approvals if one.status == "waiting"}
    found = meant(arguments[0], waiting)
    if len(arguments) > 1 or len(found) != 1 or not waiting[found[0]].names or not may_ask():
        return arguments
    names = waiting[found[0]].names
    what = "the name of the machine that goes" if len(names) == 1 else f"the names of the {len(names)} machines that go"
    given = " ".join(ask(f"Type {what}: ").split())
    return (*arguments, given) if given else arguments
