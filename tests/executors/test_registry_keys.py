"""Keys of a plan, however many."""

from executors.registry_keys import write_keys
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model.steps import WriteKeys


def test_more_keys_than_fit_a_transaction_are_written_and_deleted(store: Store) -> None:
    context = StepContext("op", Registry(store), HostFence(1), lambda line: None)
    names = [f"backend/a{number}/meta_data" for number in range(250)]
    write_keys(WriteKeys(put=dict.fromkeys(names, "{}")), context)
    assert len(store.prefix("backend/")) == 250
    write_keys(WriteKeys(put={"ingress/a": "{}"}, delete=tuple(names)), context)
    assert store.prefix("") == {"ingress/a": "{}"}
