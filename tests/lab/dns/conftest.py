from collections.abc import Iterator

import pytest

from tests.lab.cloud.running_cloud import AnyClient, RunningCloud
from tests.lab.dns.asking import Resolver


@pytest.fixture
def cloud() -> Iterator[RunningCloud]:
    cloud = RunningCloud()
    yield cloud
    cloud.stop()


@pytest.fixture
def zone(cloud: RunningCloud) -> AnyClient:
    """The zone `flstr.example`, made by hcloud-python."""
    response = cloud.client.zones.create(name="flstr.example", mode="primary")
    response.action.wait_until_finished()
    return response.zone


@pytest.fixture
def resolver(cloud: RunningCloud) -> Resolver:
    return Resolver(cloud.dns_port)
