from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hcloud import APIException
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.networks import NetworkSubnet
from hcloud.server_types import ServerType
from hcloud.servers import ServerCreatePublicNetwork
from hcloud.ssh_keys import SSHKey

from lab.cloud.backend import Machine
from lab.cloud.settings import CloudSettings
from tests.lab.cloud.keys import KEY
from tests.lab.cloud.running_cloud import CX22, DEBIAN, QUICK, TOKEN, AnyClient, RunningCloud


def test_a_server_is_initializing_first_and_running_when_its_actions_are_through(cloud: RunningCloud) -> None:
    response = cloud.client.servers.create("worker101", CX22, DEBIAN, labels={"role": "worker"})
    assert response.server.status == "initializing"
    assert response.action.command == "create_server"
    assert [action.command for action in response.next_actions] == ["start_server"]
    response.next_actions[0].wait_until_finished()
    server = cloud.client.servers.get_by_name("worker101")
    assert server is not None
    assert (server.status, server.locked, server.labels) == ("running", False, {"role": "worker"})
    assert server.location.name == "fsn1"
    assert server.server_type.name == "cx22"
    assert server.public_net.ipv4.ip == "10.77.0.10"


def test_the_machine_gets_address_user_data_and_keys_as_they_were_given(cloud: RunningCloud) -> None:
    cloud.client.ssh_keys.create("operator", KEY)
    user_data = "#cloud-config\nhostname: wörker\n" + "# " + "x" * 20_000
    cloud.server("worker101", user_data=user_data, ssh_keys=[SSHKey(name="operator")])
    assert cloud.backend.machines == {"worker101": Machine("worker101", "10.77.0.10", user_data, (KEY,))}


def test_a_server_without_keys_gets_a_root_password(client: AnyClient) -> None:
    client.ssh_keys.create("operator", KEY)
    assert client.servers.create("a", CX22, DEBIAN).root_password
    assert client.servers.create("b", CX22, DEBIAN, ssh_keys=[SSHKey(name="operator")]).root_password is None


def test_a_server_that_is_not_started_has_no_machine_until_it_is(cloud: RunningCloud) -> None:
    response = cloud.client.servers.create("a", CX22, DEBIAN, start_after_create=False)
    assert response.next_actions == []
    response.action.wait_until_finished()
    response.server.reload()
    assert response.server.status == "off"
    assert not cloud.backend.machines
    response.server.power_on().wait_until_finished()
    assert cloud.backend.calls == [("create", "a")]


def test_names_are_unique(cloud: RunningCloud) -> None:
    cloud.server("worker101")
    with pytest.raises(APIException, match="already used") as raised:
        cloud.client.servers.create("worker101", CX22, DEBIAN)
    assert raised.value.code == "uniqueness_error"
    assert cloud.raw("POST", "/servers", json=order("worker101")).status_code == 409


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a b", "ä", "a..b", "x" * 64, "a\n", ".".join("x" * 200)])
def test_a_name_must_be_a_host_name(cloud: RunningCloud, name: str) -> None:
    response = cloud.raw("POST", "/servers", json=order(name))
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "invalid_input"
    assert [field["name"] for field in error["details"]["fields"]] == ["name"]


def test_user_data_may_have_32_kib_and_not_a_byte_more(cloud: RunningCloud) -> None:
    assert cloud.raw("POST", "/servers", json=order("a", user_data="ä" * 16384)).status_code == 201
    refused = cloud.raw("POST", "/servers", json=order("b", user_data="ä" * 16384 + "x"))
    assert refused.status_code == 422
    assert refused.json()["error"]["details"]["fields"][0]["name"] == "user_data"
    assert cloud.client.servers.get_by_name("b") is None


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"server_type": "cx9000"}, 404, "not_found"),
        ({"image": "plan9"}, 404, "not_found"),
        ({"location": "mars1"}, 404, "not_found"),
        ({"ssh_keys": ["nobody"]}, 404, "not_found"),
        ({"networks": [4711]}, 404, "not_found"),
        ({"labels": {"a b": "c"}}, 422, "invalid_input"),
        ({"server_type": None}, 422, "invalid_input"),
        ({"image": 114690387, "server_type": "cax11"}, 422, "invalid_input"),
        ({"volumes": [1]}, 422, "unsupported_error"),
    ],
)
def test_a_wrong_order_takes_nothing(cloud: RunningCloud, wrong: dict[str, object], status: int, code: str) -> None:
    response = cloud.raw("POST", "/servers", json=order("a", **wrong))
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert cloud.client.servers.get_all() == []
    assert cloud.client.primary_ips.get_all() == []


def test_an_image_is_chosen_for_the_architecture(client: AnyClient) -> None:
    response = client.servers.create("a", ServerType(name="cax11"), Image(name="debian-12"))
    assert response.server.image.architecture == "arm"


def test_a_type_that_is_sold_out_somewhere_is_available_elsewhere(cloud: RunningCloud) -> None:
    cloud.control("POST", "/sold_out", {"server_type": "cx22", "location": "fsn1"})
    refused = cloud.raw("POST", "/servers", json=order("a", location="fsn1"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "resource_unavailable")
    cx22 = cloud.client.server_types.get_by_name("cx22")
    assert cx22 is not None
    assert {place.location.name: place.available for place in cx22.locations}["fsn1"] is False
    assert cloud.client.servers.create("a", CX22, DEBIAN, location=Location(name="nbg1")).server.location.name == "nbg1"
    cloud.control("DELETE", "/sold_out")
    assert cloud.raw("POST", "/servers", json=order("b", location="fsn1")).status_code == 201


def test_a_project_has_a_server_limit() -> None:
    cloud = RunningCloud(CloudSettings(server_limit=1))
    try:
        assert cloud.raw("POST", "/servers", json=order("a")).status_code == 201
        refused = cloud.raw("POST", "/servers", json=order("b"))
    finally:
        cloud.stop()
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "resource_limit_exceeded")


def test_a_freed_address_is_not_reused_at_once() -> None:
    cloud = RunningCloud(addresses=3)
    try:
        first = cloud.server("a")
        address = first.public_net.ipv4.ip
        first.delete().wait_until_finished()
        addresses = [cloud.server(name).public_net.ipv4.ip for name in ("b", "c", "d")]
        refused = cloud.raw("POST", "/servers", json=order("e"))
    finally:
        cloud.stop()
    assert addresses == ["10.77.0.11", "10.77.0.12", address]
    assert refused.json()["error"]["code"] == "resource_limit_exceeded"


def test_a_deleted_server_is_gone_with_its_machine_and_its_action_stays(cloud: RunningCloud) -> None:
    server = cloud.server("a")
    action = server.delete()
    action.wait_until_finished()
    assert cloud.client.servers.get_by_name("a") is None
    assert not cloud.backend.machines
    assert cloud.client.primary_ips.get_all() == []
    assert cloud.client.actions.get_by_id(action.id).status == "success"
    with pytest.raises(APIException) as raised:
        cloud.client.servers.get_by_id(server.id)
    assert raised.value.code == "not_found"


def test_a_protected_server_is_not_deleted(cloud: RunningCloud) -> None:
    server = cloud.server("a")
    server.change_protection(delete=True, rebuild=True).wait_until_finished()
    with pytest.raises(APIException) as raised:
        server.delete()
    assert raised.value.code == "protected"
    server.change_protection(delete=False, rebuild=False).wait_until_finished()
    server.delete().wait_until_finished()
    assert cloud.client.servers.get_all() == []


def test_a_server_that_is_worked_on_is_locked() -> None:
    cloud = RunningCloud(CloudSettings(create_seconds=60))
    try:
        response = cloud.client.servers.create("a", CX22, DEBIAN)
        refused = cloud.raw("POST", f"/servers/{response.server.id}/actions/poweroff")
        kept = cloud.raw("DELETE", f"/servers/{response.server.id}")
    finally:
        cloud.stop()
    assert response.server.locked
    assert not cloud.backend.machines
    assert (refused.status_code, kept.status_code) == (423, 423)
    assert refused.json()["error"] == {
        "code": "locked",
        "message": "cannot perform operation because server is locked",
        "details": None,
    }


def test_a_server_that_is_being_deleted_says_so() -> None:
    cloud = RunningCloud(replace(QUICK, delete_seconds=60))
    try:
        server = cloud.server("a")
        server.delete()
        server.reload()
    finally:
        cloud.stop()
    assert (server.status, server.locked) == ("deleting", True)


def test_servers_are_created_side_by_side(cloud: RunningCloud) -> None:
    names = [f"worker{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        servers = list(pool.map(lambda name: cloud.client_with(TOKEN).servers.create(name, CX22, DEBIAN), names))
    for created in servers:
        created.next_actions[0].wait_until_finished()
    assert len({created.server.public_net.ipv4.ip for created in servers}) == 8
    assert sorted(cloud.backend.machines) == names


def test_power(cloud: RunningCloud) -> None:
    server = cloud.server("a")
    server.reboot().wait_until_finished()
    server.power_off().wait_until_finished()
    server.reload()
    assert server.status == "off"
    server.power_on().wait_until_finished()
    server.reset().wait_until_finished()
    server.shutdown().wait_until_finished()
    server.reload()
    assert server.status == "off"
    assert [call for call, _ in cloud.backend.calls] == [
        "create", "reboot", "power_off", "power_on", "power_off", "power_on", "shutdown",
    ]  # fmt: skip


def test_a_renamed_server_keeps_its_machine_and_frees_its_name(cloud: RunningCloud) -> None:
    server = cloud.server("a")
    server.update(name="b", labels={"x": "y"})
    cloud.server("a")
    with pytest.raises(APIException, match="already used"):
        server.update(name="a")
    server.delete().wait_until_finished()
    assert cloud.backend.calls[-1] == ("delete", "a")
    assert len(cloud.backend.machines) == 1


def test_a_server_gets_an_address_in_each_of_its_networks(cloud: RunningCloud) -> None:
    subnet = NetworkSubnet("10.1.2.0/24", type="cloud", network_zone="eu-central")
    network = cloud.client.networks.create("private", "10.1.0.0/16", subnets=[subnet])
    first = cloud.server("a", networks=[network])
    assert [net.ip for net in first.private_net] == ["10.1.2.1"]
    second = cloud.server("b")
    second.attach_to_network(network, ip="10.1.2.77").wait_until_finished()
    second.reload()
    assert second.private_net_for(network).ip == "10.1.2.77"
    with pytest.raises(APIException) as raised:
        second.attach_to_network(network)
    assert raised.value.code == "server_already_attached"
    network.reload()
    assert {server.id for server in network.servers} == {first.id, second.id}
    second.detach_from_network(network).wait_until_finished()
    second.reload()
    assert second.private_net == []


def test_a_placement_group_takes_ten_servers(client: AnyClient) -> None:
    group = client.placement_groups.create("controllers", "spread").placement_group
    for number in range(10):
        client.servers.create(f"n{number}", CX22, DEBIAN, placement_group=group)
    with pytest.raises(APIException) as raised:
        client.servers.create("n10", CX22, DEBIAN, placement_group=group)
    assert raised.value.code == "placement_group_member_limit_reached"
    group.reload()
    assert len(group.servers) == 10
    with pytest.raises(APIException) as raised:
        group.delete()
    assert raised.value.code == "resource_in_use"


def test_a_primary_ip_outlives_its_server(cloud: RunningCloud) -> None:
    kept = cloud.client.primary_ips.create(
        type="ipv4", name="kept", location=Location(name="fsn1"), auto_delete=False
    ).primary_ip
    public_net = ServerCreatePublicNetwork(ipv4=kept, enable_ipv6=False)
    server = cloud.server("a", location=Location(name="fsn1"), public_net=public_net)
    assert server.public_net.ipv4.ip == kept.ip
    assert server.public_net.ipv6 is None
    with pytest.raises(APIException) as raised:
        kept.delete()
    assert raised.value.code == "resource_in_use"
    server.delete().wait_until_finished()
    kept.reload()
    assert kept.assignee_id is None
    kept.delete()
    assert cloud.client.primary_ips.get_all() == []


def order(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "server_type": "cx22", "image": "debian-12", **fields}


def test_a_server_leaves_its_placement_group_while_it_runs_but_enters_one_only_while_it_is_off(
    cloud: RunningCloud,
) -> None:
    group = cloud.client.placement_groups.create("controllers", "spread").placement_group
    server = cloud.server("a", placement_group=group)
    with pytest.raises(APIException) as raised:
        group.delete()
    assert raised.value.code == "resource_in_use"
    server.remove_from_placement_group().wait_until_finished()
    with pytest.raises(APIException) as raised:
        server.add_to_placement_group(group)
    assert raised.value.code == "server_not_stopped"
    assert group.delete()
