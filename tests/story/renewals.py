"""Certificates that are to be renewed, long before their time."""

from datetime import UTC, datetime, timedelta

from gitops.store import Store
from lab.story.stage import Stage
from model import keys
from model.certificates import RenewalWindow
from tests.story.views import etcd_endpoint, registered


def want_renewal(stage: Stage) -> None:
    """Have every certificate be due at once, as an authority does that has to revoke: its windows lie in the past."""
    now = datetime.now(UTC)
    window = RenewalWindow(
        start=now - timedelta(hours=2), end=now - timedelta(hours=1), ask_again=now + timedelta(days=1)
    )
    wanted = {}
    for name, record in registered(stage).certificates.items():
        assert record.issued is not None
        issued = record.issued.model_copy(update={"window": window})
        wanted[keys.certificate(name)] = record.model_copy(update={"issued": issued}).to_json()
    store = Store([etcd_endpoint(stage)])
    try:
        store.write(wanted)
    finally:
        store.close()
