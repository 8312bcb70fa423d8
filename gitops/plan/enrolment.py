"""The steps by which machines come to register themselves at the cluster's etcd."""

from gitops.control import is_bootstrapped
from gitops.enrolment import may_enrol, wrongly_enrolled
from gitops.plan.rollout import StepList
from model.cluster import Cluster
from model.registered import Registered
from model.steps import EnrolNodes, JoinMeshes


def add_enrolment(steps: StepList, cluster: Cluster, registered: Registered) -> None:
    """Enrol machines that join, once they have, and those that know of another etcd than there is by now."""
    if not is_bootstrapped(registered):
        return
    joins = (planned.step for planned in steps.all() if isinstance(planned.step, JoinMeshes))
    new = sorted({node for step in joins for node in step.nodes} & may_enrol(cluster))
    standing = [node for node in wrongly_enrolled(cluster, registered) if node not in new]
    if standing:
        step_id = "enrol-standing" if new else "enrol"
        steps.add(step_id, f"have {', '.join(standing)} register themselves", EnrolNodes(nodes=tuple(standing)))
    if new:
        steps.add("enrol", f"have {', '.join(new)} register themselves", EnrolNodes(nodes=tuple(new)), ["join"])
