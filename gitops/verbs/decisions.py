"""The verbs that commit, each with what it decides: carried out when it is asked for, rehearsed for `plan`."""

import time
from collections.abc import Callable, Mapping

from gitops.app_repos import AppRepos
from gitops.backups.service_making import ServiceBackups
from gitops.registry import Registry
from gitops.verbs.apps import Apps
from gitops.verbs.change import Decision
from gitops.verbs.commits import Commits
from gitops.verbs.drain import Drain
from gitops.verbs.scale import Scale
from gitops.verbs.services import Services


def decisions(
    commits: Commits,
    app_repos: AppRepos,
    registry: Registry,
    clock: Callable[[], float] = time.time,
    service_backups: ServiceBackups | None = None,
) -> Mapping[str, Decision]:
    """What each of them decides, by its name."""
    apps, drain = Apps(commits, app_repos, registry, clock), Drain(commits, registry.dead)
    return {
        "deploy": apps.deploy,
        "rollback": apps.rollback,
        "restart": apps.restart,
        "stop": apps.stop,
        "remove": apps.remove,
        "scale": Scale(commits).scale,
        "drain": drain.drain,
        "undrain": drain.undrain,
        "destroy": drain.destroy,
        "service restore": Services(commits, registry, service_backups).restore,
    }
