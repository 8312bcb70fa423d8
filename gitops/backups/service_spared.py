"""Backups of a service that stay whatever their age."""

from gitops.operations import Operations
from gitops.store import Store
from model.names import AppName
from model.service_steps import RestoreService


def wanted_backups(store: Store, service: AppName) -> frozenset[str]:
    """The names of those that an operation is to restore, or may once somebody approves."""
    steps = (planned.step for operation in Operations(store).unended() for planned in operation.plan.steps)
    restored = (step.backup for step in steps if isinstance(step, RestoreService) and step.service == service)
    # Behind the @ is when it was asked for once more.
    return frozenset(backup.partition("@")[0] for backup in restored)
