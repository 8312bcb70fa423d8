"""Backups of a service that stay whatever their age."""

from gitops.backups.service_names import without_asking
from gitops.operations import Operations
from gitops.store import Store
from model.names import AppName
from model.service_steps import RestoreService


def wanted_backups(store: Store, service: AppName) -> frozenset[str]:
    """The names of those that an operation is to restore, or may once somebody approves."""
    steps = (planned.step for operation in Operations(store).unended() for planned in operation.plan.steps)
    restored = (step.backup for step in steps if isinstance(step, RestoreService) and step.service == service)
    return frozenset(map(without_asking, restored))
