"""Whether an operation still brings what is wanted. Pure."""

from gitops.outcome import brought
from gitops.releases import Wanted
from gitops.services import told
from model.operation import Operation
from model.registered import Registered, RegisteredService
from model.service_steps import ApplyService, LeadService


def is_for_a_manifest(operation: Operation) -> bool:
    """Whether it brings a release or a service to what a manifest said, which may say something else by now."""
    return bool(brought(operation)) or any(isinstance(planned.step, ApplyService) for planned in operation.plan.steps)


def why_superseded(operation: Operation, wanted: Wanted, registered: Registered) -> str:
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
    return _why_not_applied(operation, wanted) or _why_led_otherwise(operation, registered)


def _why_not_applied(operation: Operation, wanted: Wanted) -> str:
    for planned in operation.plan.steps:
        if not isinstance(planned.step, ApplyService):
            continue
        name, brought_to = planned.step.service.service, planned.step.service
        now = wanted.manifests.services.get(name)
        if now is None:
            return f"no manifest describes service {name} any more"
        source = "" if now.ours is not None else wanted.manifests.playbooks
        if told(now) != told(brought_to) or planned.step.source != source:
            return f"service {name} is to be set up otherwise now"
    return ""


def _why_led_otherwise(operation: Operation, registered: Registered) -> str:
    """Whoever leads a service may have changed since an operation was planned that did not begin yet."""
    if operation.status != "queued":
        return ""
    first = next((planned.step for planned in operation.plan.steps if isinstance(planned.step, ApplyService)), None)
    if first is None or any(isinstance(planned.step, LeadService) for planned in operation.plan.steps):
        return ""
    record = registered.services.get(first.service.service, RegisteredService()).record
    leader = None if record is None else record.leader
    if leader == first.leader or leader not in (*first.nodes, *first.leaving):
        return ""
    return f"{leader} leads service {first.service.service} now"
