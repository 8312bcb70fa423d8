"""What a cluster repo on disk would change in the registered cluster."""

from pathlib import Path

from cli import cluster_repo
from cli.etcd import connect
from cli.settings import Settings
from gitops import describe
from gitops.certificate_budget import Known
from gitops.certificates import read_history
from gitops.describe_certificates import refusals
from gitops.lint import check
from gitops.plan import plan as make_plan
from gitops.registry import Registry
from gitops.renewals import utc_now
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
        known = Known(registered.certificates, read_history(store), settings.acme_directory)
        refused = refusals(manifests, registered, known, utc_now())
        return describe.plans(str(folder), make_plan(manifests, registered), refused)
    finally:
        store.close()
