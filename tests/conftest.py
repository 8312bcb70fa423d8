"""Fixtures that several folders use: a real etcd, started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gitops.etcd_server import EmbeddedEtcd
from gitops.store import Store

# How long an example takes says nothing about it on a busy machine.
settings.register_profile("flstr", deadline=None)
settings.load_profile("flstr")


@pytest.fixture(scope="session")
def etcd_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An etcd shared by the whole run."""
    etcd = EmbeddedEtcd(Path(tmp_path_factory.mktemp("etcd")))
    yield etcd.start()
    etcd.stop()


@pytest.fixture
def store(etcd_endpoint: str) -> Iterator[Store]:
    """An empty etcd."""
    store = Store([etcd_endpoint])
    store.delete_prefix("")
    yield store
    store.close()
