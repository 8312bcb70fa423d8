"""What the playbooks of services would change, as the machines say themselves; nothing is changed by asking."""

from collections.abc import Sequence

from gitops.executor import StepPreview
from gitops.plan import Plans
from gitops.registry import Registry
from model.errors import Refused, StepFailed
from model.mrkdwn import escape
from model.registered import Registered
from model.steps import ApplyService


def previewed(plans: Plans, registered: Registered, registry: Registry, preview: StepPreview | None) -> list[str]:
    """A few lines for each service whose playbook would run, as Slack mrkdwn; those whose machines are yet to come are
    left out."""
    steps = [planned.step for change in plans.changes for planned in change.steps]
    lines: list[str] = []
    for step in steps if preview is not None else ():
        if isinstance(step, ApplyService) and preview is not None:
            asked = _asked(step, registered, registry, preview)
            lines += ["", f"*What the playbook of {step.service.service} would change*", *asked] if asked else []
    return lines


def _asked(step: ApplyService, registered: Registered, registry: Registry, preview: StepPreview) -> Sequence[str]:
    if not registered.nodes.keys() >= {*step.nodes, *step.leaving}:
        return []
    try:
        return [f"• {escape(line)}" for line in preview(step, registry)] or ["• nothing"]
    except (Refused, StepFailed) as error:
        return [f"• it could not be asked: {escape(error.sentence)}"]
