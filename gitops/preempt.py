"""Whether an operation still brings what is wanted. Pure."""

from gitops.outcome import brought
from gitops.releases import Wanted
from model.operation import Operation


def why_superseded(operation: Operation, wanted: Wanted) -> str:
    """Why nobody wants the end of an operation any more; empty where somebody does.

    What was approved is carried out as it was approved.
    """
    if operation.plan.destroys():
        return ""
    for release in brought(operation):
        app = wanted.manifests.apps.get(release.id)
        if app is None or release.id in wanted.held:
            continue
        if app.count == 0:
            return f"{app.app} is to be stopped"
        if wanted.manifests.spec(app) != release.spec:
            same = app.commit == release.app.commit
            return f"{app.app} is to run {'with other settings' if same else app.commit[:8]} now"
    return ""
