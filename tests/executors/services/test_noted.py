"""What is noted of a service, as steps find it."""

import pytest

from executors.services.noted import record_if_any, service_record
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import service_keys
from model.errors import Refused, StepFailed
from model.registered import ServiceRecord
from model.service import Service

SERVICE = Service.model_validate(
    {"service": "cache", "playbook": "redis", "pool": "service", "publish": {"port": 6379}, "env_prefix": "CACHE"}
)


@pytest.fixture
def context(store: Store) -> StepContext:
    return StepContext("op", Registry(store), HostFence(1), print)


def test_what_was_noted_is_found(context: StepContext) -> None:
    record = ServiceRecord(service=SERVICE, nodes=("service101",), leader="service101")
    context.registry.put_service(record)
    assert record_if_any("cache", context) == service_record("cache", context) == record


def test_one_that_is_not_installed_is_named_where_it_has_to_be(context: StepContext) -> None:
    assert record_if_any("cache", context) is None
    with pytest.raises(StepFailed, match="cache is not installed by flstr"):
        service_record("cache", context)


def test_what_cannot_be_read_is_said_with_its_key(context: StepContext, store: Store) -> None:
    store.put(service_keys.installed("cache"), "{}")
    with pytest.raises(Refused, match="etcd: flstr/service/cache cannot be read"):
        service_record("cache", context)
