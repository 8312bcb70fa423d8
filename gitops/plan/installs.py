"""The steps that bring flstr to controllers without it, and tell the others of etcd's members as they are now."""

from collections.abc import Iterable

from gitops.installed import wrongly_installed
from gitops.plan.rollout import StepList
from model.registered import Registered
from model.steps import InstallController


def add_installs(steps: StepList, registered: Registered, after: Iterable[str] = ()) -> list[str]:
    """One controller after the other, so that never more than one of them is restarted; the steps' ids."""
    ids, before = list[str](), tuple(after)
    for node in wrongly_installed(registered):
        title = f"tell flstr on {node} where etcd is" if node in registered.installed else f"install flstr on {node}"
        ids.append(steps.add(f"install-{node}", title, InstallController(node=node), (*before, *ids[-1:])))
    return ids
