"""The plan between the desired and the registered tree. Pure and deterministic: the same trees give the same plan.

What adds or changes is one plan, which goes at once; what destroys is another, which waits for an approval.
"""

from dataclasses import dataclass

from gitops.manifests import Manifests
from gitops.plan.change import change_plan
from gitops.plan.removal import removal_plan
from model.registered import Registered
from model.steps import Plan


@dataclass(frozen=True)
class Plans:
    """What may go at once, and what has to wait for leave; either may be empty."""

    change: Plan
    removal: Plan


def plan(manifests: Manifests, registered: Registered) -> Plans:
    """Everything that turns the registered tree into the desired one."""
    return Plans(change_plan(manifests, registered), removal_plan(manifests, registered))
