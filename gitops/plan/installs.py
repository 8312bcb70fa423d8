"""The steps that tell controllers where etcd is, once its members have changed. Pure."""

from gitops.control import is_bootstrapped
from gitops.installed import wrongly_installed
from gitops.plan.control import wanted_controllers
from gitops.plan.rollout import StepList
from model.cluster import Cluster
from model.registered import Registered
from model.steps import AddEtcdMember, InstallController


def add_installs(steps: StepList, cluster: Cluster, registered: Registered) -> list[str]:
    """One controller after the other, so that never more than one is restarted; what the plan's title says of it.

    Where members come in this plan, all of them are told by the next one, when they are there.
    """
    changes = any(isinstance(planned.step, AddEtcdMember) for planned in steps.all())
    if not is_bootstrapped(registered) or cluster.dissolved or changes:
        return []
    silent = registered.dead.keys() | registered.not_ready.keys()
    staying = set(wanted_controllers(cluster)) - silent
    told, before = [node for node in wrongly_installed(registered) if node in staying], ""
    for node in told:
        title = f"tell flstr on {node} where etcd is"
        before = steps.add(f"install-{node}", title, InstallController(node=node), [before])
    return [f"tell {', '.join(told)} where etcd is"] if told else []
