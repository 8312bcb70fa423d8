"""What is noted of a service's backups; the step that makes one and the schedule write it, each without the other's
loss."""

from collections.abc import Callable

from gitops.store import Store
from model import service_keys
from model.backups import ServiceBackupRecord
from model.names import AppName


def read_note(store: Store, service: AppName) -> ServiceBackupRecord:
    """How the last backups of a service went."""
    text = store.get(service_keys.backup(service))
    return ServiceBackupRecord() if text is None else ServiceBackupRecord.model_validate_json(text)


def change_note(
    store: Store, service: AppName, change: Callable[[ServiceBackupRecord], ServiceBackupRecord]
) -> ServiceBackupRecord:
    """Note what has changed; another one's change in between is kept."""
    key = service_keys.backup(service)
    while True:
        text = store.get(key)
        before = ServiceBackupRecord() if text is None else ServiceBackupRecord.model_validate_json(text)
        after = change(before)
        if text is not None and after == before:
            return after
        if store.write_where(key, text, {key: after.to_json()}):
            return after
