"""Keys of the registered tree that a plan writes."""

from gitops.executor import StepContext
from model.steps import WriteKeys


def write_keys(step: WriteKeys, context: StepContext) -> None:
    """Write and delete all of a step's keys, or none of them."""
    context.registry.store.write(step.put, step.delete)
