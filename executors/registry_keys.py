"""Keys of the registered tree that a plan writes."""

from gitops.executor import StepContext
from model.steps import WriteKeys


def write_keys(step: WriteKeys, context: StepContext) -> None:
    """Write all of a step's keys, then delete."""
    store = context.registry.store
    store.write_many(step.put)
    store.delete(*step.delete)
