"""New machines first, old ones last: what is to go waits for what was to come in its place. Pure."""

from collections.abc import Iterable

from model.cluster import Cluster
from model.registered import Registered
from model.steps import CreateNode, Losses, Plan


def why_comes_first(changes: Iterable[Plan], removal: Plan, cluster: Cluster, registered: Registered) -> str:
    """Why leave is not asked for yet, in one sentence; empty where it may be.

    Of a role that machines leave, some could not be rented. Dead ones may leave all the same: they do nothing.
    """
    wanted = cluster.nodes()
    missing = {
        planned.step.node: wanted[planned.step.node].role
        for change in changes
        for planned in change.steps
        if isinstance(planned.step, CreateNode) and planned.step.node in wanted
    }
    leaving = [node for node in (removal.losses or Losses()).nodes if node in registered.nodes]
    roles = {node: registered.nodes[node].role for node in leaving if node not in registered.dead}
    staying = sorted(node for node, role in roles.items() if role in missing.values())
    new = sorted(node for node, role in missing.items() if role in roles.values())
    if not staying:
        return ""
    return (
        f"{', '.join(staying)} {'stays' if len(staying) == 1 else 'stay'} until {', '.join(new)} "
        f"{'is' if len(new) == 1 else 'are'} there; `sync` tries again to rent, or let cluster.yaml want fewer"
    )
