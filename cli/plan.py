"""What a cluster repo on disk would change in the registered cluster."""

from pathlib import Path

from cli import cluster_repo
from cli.etcd import connect
from cli.settings import Settings
from gitops import describe
from gitops.lint import check
from gitops.plan import plan as make_plan
from gitops.registry import Registry
from gitops.standing import check_standing


def plan(settings: Settings, folder: Path) -> str:
    """The plan between the manifests of a folder and etcd, as Slack mrkdwn. Raises `Refused`."""
    files = cluster_repo.read(folder)
    manifests = check(files)
    store = connect(settings)
    try:
        registry = Registry(store)
        registered = registry.read()
        check_standing(files, manifests, registered, registry.cluster() if registered.nodes else None)
        return describe.plans(str(folder), make_plan(manifests, registered))
    finally:
        store.close()
