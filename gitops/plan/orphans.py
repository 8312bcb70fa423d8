"""The steps that give back what nobody knows."""

from collections.abc import Collection

from gitops.orphans import in_words
from gitops.plan.rollout import StepList
from model.registered import Registered
from model.steps import GiveBackOrphan


def add_orphans(steps: StepList, registered: Registered, after: Collection[str] = ()) -> tuple[str, ...]:
    """One step each, servers first; what they are, in words."""
    ordered = sorted(registered.orphans.items(), key=lambda item: (item[1].kind != "server", item[0]))
    for key, orphan in ordered:
        title = f"give back {in_words(orphan)}"
        steps.add(f"orphan-{key}", title, GiveBackOrphan(orphan=orphan), after)
    return tuple(in_words(orphan) for _, orphan in ordered)
