"""What the playbooks of services would change, as the machines say themselves; nothing is changed by asking."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from gitops.executor import StepPreview
from gitops.plan import Plans
from gitops.registry import Registry
from model import keys
from model.errors import Refused, StepFailed
from model.locks import service_lock
from model.mrkdwn import inert
from model.registered import Registered
from model.service_steps import ApplyService

SIDE_BY_SIDE = 4


def previewed(plans: Plans, registered: Registered, registry: Registry, preview: StepPreview | None) -> list[str]:
    """A few lines for each service whose playbook would run, as Slack mrkdwn; those whose machines are yet to come are
    left out."""
    if preview is None:
        return []
    steps = [planned.step for change in plans.changes for planned in change.steps]
    asked = [
        step
        for step in steps
        if isinstance(step, ApplyService) and registered.nodes.keys() >= {*step.nodes, *step.leaving}
    ]
    if not asked:
        return []
    with ThreadPoolExecutor(min(len(asked), SIDE_BY_SIDE), thread_name_prefix="preview") as pool:
        said = pool.map(lambda step: _lines(step, registry, preview), asked)
        return [line for lines in said for line in lines]


def _lines(step: ApplyService, registry: Registry, preview: StepPreview) -> Sequence[str]:
    name = step.service.service
    title = f"*What the playbook of {name} would change*"
    if registry.store.get(keys.lock(service_lock(name))) is not None:
        return ["", title, "• it is being changed just now; its card says how"]
    try:
        return ["", title, *([f"• {inert(line)}" for line in preview(step, registry)] or ["• nothing"])]
    except (Refused, StepFailed) as error:
        return ["", title, f"• it could not be asked: {inert(error.sentence)}"]
