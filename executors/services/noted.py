"""What flstr has noted of the services that it installed."""

from gitops.executor import StepContext
from gitops.registered_tree import record_in
from model import service_keys
from model.errors import StepFailed
from model.names import AppName
from model.registered import ServiceRecord


def record_if_any(service: AppName, context: StepContext) -> ServiceRecord | None:
    """What a service was last brought to; None of one that flstr has not installed."""
    key = service_keys.installed(service)
    text = context.registry.store.get(key)
    return None if text is None else record_in(ServiceRecord, key, text)


def service_record(service: AppName, context: StepContext) -> ServiceRecord:
    """The same, of one that has to be installed. Raises `StepFailed`."""
    record = record_if_any(service, context)
    if record is None:
        raise StepFailed(f"{service} is not installed by flstr")
    return record
