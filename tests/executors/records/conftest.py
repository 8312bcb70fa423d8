"""The lab's cloud with its name server, and records in it."""

import pytest

from executors.cloud import CloudSettings
from executors.records.records import Records
from tests.lab.cloud.running_cloud import TOKEN, AnyClient, RunningCloud
from tests.lab.dns.asking import Resolver


@pytest.fixture
def zone(cloud: RunningCloud) -> AnyClient:
    response = cloud.client.zones.create(name="flstr.example", mode="primary")
    response.action.wait_until_finished()
    return response.zone


@pytest.fixture
def settings(cloud: RunningCloud) -> CloudSettings:
    return CloudSettings(TOKEN, "ssh-ed25519 AAAA", cloud.url)


@pytest.fixture
def records(settings: CloudSettings, zone: AnyClient) -> Records:
    return Records(settings, "demo")


@pytest.fixture
def resolver(cloud: RunningCloud) -> Resolver:
    return Resolver(cloud.dns_port)
