"""What somebody makes in a cloud project is seen, whatever label it bears, and what was there before is not told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hcloud.locations import Location
from hcloud.zones import ZoneRecord

from tests.executors.sshd import make_key
from tests.lab.cloud.running_cloud import RunningCloud
from tests.story.things import come_since, things_in

FSN1 = Location(name="fsn1")


@pytest.fixture
def cloud() -> Iterator[RunningCloud]:
    cloud = RunningCloud()
    cloud.client.zones.create(name="flstr.lab", mode="primary").action.wait_until_finished()
    cloud.client.volumes.create(10, "theirs", location=FSN1)
    yield cloud
    cloud.stop()


def test_what_comes_without_any_label_is_seen(cloud: RunningCloud, tmp_path: Path) -> None:
    client, before = cloud.client, things_in(cloud.client)
    zone = client.zones.get("flstr.lab")
    net = cloud.server("worker101").public_net
    client.floating_ips.create("ipv4", name="public", home_location=FSN1)
    client.primary_ips.create("ipv4", "spare", location=FSN1)
    client.volumes.create(10, "data", location=FSN1)
    client.placement_groups.create("small-worker", "spread")
    client.ssh_keys.create("flstr-small", make_key(tmp_path / "client"))
    client.zones.create_rrset(zone, name="worker101", type="A", records=[ZoneRecord("10.77.0.10")])
    of_the_server = [client.primary_ips.get_by_id(one.id).name for one in (net.primary_ipv4, net.primary_ipv6)]
    assert come_since(before, things_in(client)) == {
        "servers": ["worker101"],
        "floating_ips": ["public"],
        "primary_ips": sorted([*of_the_server, "spare"]),
        "volumes": ["data"],
        "placement_groups": ["small-worker"],
        "ssh_keys": ["flstr-small"],
        "A in flstr.lab": ["worker101"],
    }


def test_one_that_comes_again_by_the_name_of_another_is_another(cloud: RunningCloud) -> None:
    before = things_in(cloud.client)
    cloud.client.volumes.get_by_name("theirs").delete()
    cloud.client.volumes.create(10, "theirs", location=FSN1)
    assert come_since(before, things_in(cloud.client)) == {"volumes": ["theirs"]}
