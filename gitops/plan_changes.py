"""What is different between two plans that ask for leave, in words. Pure."""

from collections.abc import Iterable

from model.steps import Losses, Plan

_SHOWN = 8
_WHOLE = "takes the whole cluster {} down"
# The card itself has all of them.
_STEPS_SHOWN = 2


def plan_changes(before: Plan, after: Plan) -> tuple[str, ...]:
    """One line for each kind of difference: `destroys worker102 as well`, `2 steps more: …`; none for the same plan."""
    if not after.destroys():
        return ("nothing is to be destroyed any more",)
    old, new = before.losses or Losses(), after.losses or Losses()
    lines = [
        *_lines(old.nodes, new.nodes, "destroys {} as well", "destroys {} no more"),
        *_lines(old.apps, new.apps, "removes {} as well", "removes {} no more"),
        *_lines(old.services, new.services, "removes service {} as well", "removes service {} no more"),
        *_lines(old.restored, new.restored, "restores {} as well", "restores {} no more"),
        *_lines(old.floating_ips, new.floating_ips, "gives floating IP {} back as well", "gives {} back no more"),
        *_lines(old.orphans, new.orphans, "gives {} back as well", "gives {} back no more"),
        *_lines([old.cluster] * bool(old.cluster), [new.cluster] * bool(new.cluster), _WHOLE, "keeps the cluster {}"),
        *_lines(old.moved, new.moved, "moves {}", "does not move {}"),
        *_lines(_steps(before), _steps(after), "has these steps more: {}", "has these steps no more: {}", _STEPS_SHOWN),
    ]
    if lines or before.digest() == after.digest():
        return tuple(lines)
    changed = [step.title for step in after.steps if step not in before.steps]
    return (f"does this otherwise: {_listed(changed)}" if changed else "stays by other machines",)


def why_void(before: Plan, after: Plan) -> str:
    """The same as one sentence of an operation that is void."""
    lines = plan_changes(before, after)
    return f"the plan has changed since it was asked for: {'; '.join(lines)}"


def _steps(plan: Plan) -> list[str]:
    return [step.title for step in plan.steps]


def _lines(old: Iterable[str], new: Iterable[str], added: str, gone: str, most: int = _SHOWN) -> list[str]:
    before, after = list(dict.fromkeys(old)), list(dict.fromkeys(new))
    more, less = [name for name in after if name not in before], [name for name in before if name not in after]
    return [text.format(_listed(names, most)) for text, names in ((added, more), (gone, less)) if names]


def _listed(names: list[str], most: int = _SHOWN) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
