"""What a cluster repo on disk would change in the registered cluster."""

from pathlib import Path

from cli import cluster_repo
from cli.etcd import connect
from cli.settings import Settings
from gitops import describe
from gitops.plan import plan as make_plan
from gitops.registry import Registry


def plan(settings: Settings, folder: Path) -> str:
    """The plan between the manifests of a folder and etcd, as Slack mrkdwn. Raises `Refused`."""
    manifests = cluster_repo.lint(folder)
    store = connect(settings)
    try:
        return describe.plans(str(folder), make_plan(manifests, Registry(store).read()))
    finally:
        store.close()
