"""The plan of the DNS names of machines and public hosts."""

from collections.abc import Iterator

from gitops.names import wanted_names
from gitops.plan.rollout import StepList
from model.cluster import Cluster
from model.locks import MACHINES, NAMES
from model.registered import Registered
from model.steps import Plan, PointNames

SHOWN = 3


def names_plans(cluster: Cluster, registered: Registered, busy: frozenset[str] = frozenset()) -> tuple[Plan, ...]:
    """Bring the names to where they should lead; none where they do, or where somebody is at it.

    While machines come, their names are waited for, so that they are made together; what leads astray is not.
    """
    changes = dict(_changes(cluster, registered))
    if not changes or NAMES in busy or (MACHINES in busy and registered.names.keys().isdisjoint(changes)):
        return ()
    found = list(changes.values())
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    steps = StepList()
    steps.add("names", "bring the DNS names up to date", PointNames())
    return (Plan(title="; ".join([*found[:SHOWN], *more]), steps=steps.all(), locks=(NAMES,)),)


def _changes(cluster: Cluster, registered: Registered) -> Iterator[tuple[str, str]]:
    """Each name that leads elsewhere, and what becomes of it."""
    wanted = wanted_names(cluster, registered)
    for name, addresses in wanted.items():
        if registered.names.get(name) != addresses:
            yield name, f"point {name} to {' and '.join(addresses)}"
    for name in sorted(registered.names.keys() - wanted.keys()):
        yield name, f"take {name} out of DNS"
