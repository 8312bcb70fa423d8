"""Volumes as the real SDK sees them, and what is paid for them and for addresses."""

from typing import Any

import pytest
from hcloud import APIException
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.server_types import ServerType

from tests.lab.cloud.running_cloud import AnyClient

FSN1 = Location(name="fsn1")


def attached(client: AnyClient) -> tuple[Any, Any]:
    """A volume, and the server that has it; until a server runs, the cloud keeps it to itself."""
    made = client.volumes.create(10, "data", location=FSN1)
    order = client.servers.create("worker101", ServerType(name="cx22"), image=Image(name="debian-12"))
    for action in (made.action, order.action, *order.next_actions):
        action.wait_until_finished()
    made.volume.attach(order.server).wait_until_finished()
    return made.volume, order.server


def test_a_volume_comes_and_goes(client: AnyClient) -> None:
    made = client.volumes.create(10, "data", location=FSN1, labels={"cluster": "small"})
    made.action.wait_until_finished()
    (found,) = client.volumes.get_all(label_selector="cluster=small")
    assert (found.name, found.size, found.location.name, found.server) == ("data", 10, "fsn1", None)
    found.delete()
    assert client.volumes.get_all() == []


def test_one_that_is_attached_is_deleted_only_once_it_is_detached(client: AnyClient) -> None:
    volume, server = attached(client)
    assert client.volumes.get_by_id(volume.id).server.id == server.id
    for refused in (volume.delete, lambda: volume.attach(server)):
        with pytest.raises(APIException):
            refused()
    volume.detach().wait_until_finished()
    volume.delete()
    assert client.volumes.get_all() == []


def test_one_whose_server_is_deleted_is_free(client: AnyClient) -> None:
    volume, server = attached(client)
    server.delete().wait_until_finished()
    assert client.volumes.get_by_id(volume.id).server is None


def test_one_that_is_protected_stays(client: AnyClient) -> None:
    made = client.volumes.create(10, "data", location=FSN1)
    made.action.wait_until_finished()
    volume = made.volume
    volume.change_protection(delete=True).wait_until_finished()
    with pytest.raises(APIException) as raised:
        volume.delete()
    assert raised.value.code == "protected"


def test_a_small_one_is_refused(client: AnyClient) -> None:
    with pytest.raises(APIException) as raised:
        client.volumes.create(5, "data", location=FSN1)
    assert raised.value.code == "invalid_input"


def test_prices_are_named_by_kind_and_location(client: AnyClient) -> None:
    prices = client.request(method="GET", url="/pricing")["pricing"]
    for kind in ("floating_ips", "primary_ips"):
        assert {row["type"] for row in prices[kind]} == {"ipv4", "ipv6"}
        assert all(set(price) >= {"location", "price_monthly"} for row in prices[kind] for price in row["prices"])
    assert float(prices["volume"]["price_per_gb_month"]["net"]) > 0
