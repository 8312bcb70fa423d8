"""Keys of the registered tree that a plan writes."""

from gitops.executor import StepContext
from gitops.store import AT_ONCE
from model.steps import WriteKeys


def write_keys(step: WriteKeys, context: StepContext) -> None:
    """Write all of a step's keys, then delete."""
    store = context.registry.store
    put = list(step.put.items())
    for start in range(0, len(put), AT_ONCE):
        store.write(dict(put[start : start + AT_ONCE]))
    store.delete(*step.delete)
