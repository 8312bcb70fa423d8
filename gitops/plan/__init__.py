"""The plans between the desired and the registered tree. Pure and deterministic: the same trees give the same plans.

What adds or changes goes at once, each app by itself where it can; what destroys is another plan, which waits for an
approval.
"""

from collections.abc import Collection
from dataclasses import dataclass

from gitops.manifests import Manifests
from gitops.plan.change import change_plans
from gitops.plan.control import why_breaks_quorum, why_waits
from gitops.plan.dissolution import dissolution_plan
from gitops.plan.floating import floating_plans
from gitops.plan.names import names_plans
from gitops.plan.removal import removal_plan
from gitops.plan.service_removal import services_not_removed
from gitops.plan.services import service_plans, services_that_stay
from gitops.releases import Wanted, wanted
from model.registered import Registered
from model.steps import ApplyRouting, Plan


@dataclass(frozen=True)
class Plans:
    """What may go at once, and what has to wait for leave; either may be empty. `stays` says, a sentence each, what of
    the manifests is not done as things are."""

    changes: tuple[Plan, ...]
    removal: Plan
    wanted: Wanted
    stays: tuple[str, ...] = ()

    @property
    def change(self) -> Plan:
        """The first of the changes, or an empty one."""
        return next(iter(self.changes), Plan(title=""))


def plan(manifests: Manifests, registered: Registered, busy: Collection[str] = ()) -> Plans:
    """Everything that turns the registered tree into the desired one.

    What is `busy`, by the names of its locks, is being changed by others and left out.
    """
    known, cluster, locked = wanted(manifests, registered), manifests.cluster, frozenset(busy)
    if cluster.dissolved:
        # Nothing is begun of a cluster that is to end, whether or not somebody has approved that yet.
        return Plans((), dissolution_plan(cluster, registered), known)
    removal = removal_plan(known.manifests, registered)
    changes = (
        *change_plans(known, registered, locked),
        *service_plans(manifests, registered, locked),
        *names_plans(cluster, registered, locked),
        *floating_plans(cluster, registered, locked),
    )
    of_controllers = filter(None, (why_breaks_quorum(cluster, registered), why_waits(cluster, registered)))
    of_services = (*services_that_stay(manifests, registered), *services_not_removed(manifests, registered))
    return Plans(changes, removal, known, (*of_controllers, *of_services))


def only_routes(change: Plan) -> bool:
    """Whether a plan does nothing but bring the routing to what is registered."""
    return all(isinstance(planned.step, ApplyRouting) for planned in change.steps)
