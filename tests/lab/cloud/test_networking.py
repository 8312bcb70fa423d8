"""Networks, firewalls and floating IPs by hcloud-python."""

import pytest
from hcloud import APIException
from hcloud.firewalls import FirewallResource, FirewallResourceLabelSelector, FirewallRule
from hcloud.locations import Location
from hcloud.networks import NetworkRoute, NetworkSubnet

from tests.lab.cloud.running_cloud import AnyClient, RunningCloud

SSH = FirewallRule(direction="in", protocol="tcp", port="22", source_ips=["0.0.0.0/0", "::/0"])


def test_subnets_are_added_and_deleted(client: AnyClient) -> None:
    network = client.networks.create("private", "10.1.0.0/16", labels={"cluster": "demo"})
    network.add_subnet(NetworkSubnet("10.1.1.0/24", type="cloud", network_zone="eu-central")).wait_until_finished()
    network.reload()
    assert [(subnet.ip_range, subnet.gateway) for subnet in network.subnets] == [("10.1.1.0/24", "10.1.0.1")]
    network.delete_subnet(network.subnets[0]).wait_until_finished()
    network.reload()
    assert network.subnets == []
    network.delete()
    assert client.networks.get_all(label_selector="cluster=demo") == []


@pytest.mark.parametrize("ip_range", ["10.2.0.0/24", "10.1.1.128/25"])
def test_a_subnet_lies_in_its_network_and_beside_the_others(client: AnyClient, ip_range: str) -> None:
    subnet = NetworkSubnet("10.1.1.0/24", type="cloud", network_zone="eu-central")
    network = client.networks.create("private", "10.1.0.0/16", subnets=[subnet])
    with pytest.raises(APIException) as raised:
        network.add_subnet(NetworkSubnet(ip_range, type="cloud", network_zone="eu-central"))
    assert raised.value.details["fields"][0]["name"] == "ip_range"


def test_a_taken_private_address_is_refused(cloud: RunningCloud) -> None:
    subnet = NetworkSubnet("10.1.1.0/24", type="cloud", network_zone="eu-central")
    network = cloud.client.networks.create("private", "10.1.0.0/16", subnets=[subnet])
    cloud.server("a", networks=[network])
    other = cloud.server("b")
    for taken in ("10.1.1.1", "10.9.9.9"):
        with pytest.raises(APIException) as raised:
            other.attach_to_network(network, ip=taken)
        assert raised.value.code == "ip_not_available"
    empty = cloud.client.networks.create("empty", "10.3.0.0/16")
    with pytest.raises(APIException) as raised:
        other.attach_to_network(empty)
    assert raised.value.code == "no_subnet_available"


def test_routes(client: AnyClient) -> None:
    network = client.networks.create("private", "10.1.0.0/16")
    route = NetworkRoute("10.100.1.0/24", "10.1.0.2")
    network.add_route(route).wait_until_finished()
    network.reload()
    assert [(r.destination, r.gateway) for r in network.routes] == [("10.100.1.0/24", "10.1.0.2")]
    network.delete_route(route).wait_until_finished()


def test_a_firewall_applies_to_servers_and_labels(cloud: RunningCloud) -> None:
    named, labelled = cloud.server("a"), cloud.server("b", labels={"role": "ingress"})
    firewall = cloud.client.firewalls.create("public", rules=[SSH]).firewall
    by_label = FirewallResource("label_selector", label_selector=FirewallResourceLabelSelector("role=ingress"))
    for resource in (FirewallResource("server", server=named), by_label):
        for action in firewall.apply_to_resources([resource]):
            action.wait_until_finished()
    for server in (named, labelled):
        server.reload()
        assert [applied.firewall.id for applied in server.public_net.firewalls] == [firewall.id]
    firewall.reload()
    assert [rule.port for rule in firewall.rules] == ["22"]
    assert [found.server.id for found in firewall.applied_to[1].applied_to_resources] == [labelled.id]
    with pytest.raises(APIException) as raised:
        firewall.delete()
    assert raised.value.code == "resource_in_use"
    firewall.remove_from_resources([FirewallResource("server", server=named), by_label])
    firewall.delete()


def test_a_firewall_given_at_creation_lets_go_of_a_deleted_server(cloud: RunningCloud) -> None:
    firewall = cloud.client.firewalls.create("public").firewall
    server = cloud.server("a", firewalls=[firewall])
    assert len(server.public_net.firewalls) == 1
    server.delete().wait_until_finished()
    firewall.delete()


@pytest.mark.parametrize(
    "rule",
    [
        FirewallRule(direction="in", protocol="tcp", port="22"),
        FirewallRule(direction="in", protocol="tcp", source_ips=["0.0.0.0/0"]),
        FirewallRule(direction="in", protocol="icmp", port="1", source_ips=["0.0.0.0/0"]),
        FirewallRule(direction="in", protocol="udp", port="70000", source_ips=["0.0.0.0/0"]),
        FirewallRule(direction="in", protocol="udp", port="90-80", source_ips=["0.0.0.0/0"]),
        FirewallRule(direction="out", protocol="tcp", port="80", destination_ips=["10.0.0.1/8"]),
        FirewallRule(direction="up", protocol="tcp", port="80", source_ips=["0.0.0.0/0"]),
    ],
)
def test_a_wrong_rule_is_refused(client: AnyClient, rule: FirewallRule) -> None:
    with pytest.raises(APIException) as raised:
        client.firewalls.create("public", rules=[rule])
    assert raised.value.code == "invalid_input"
    assert client.firewalls.get_all() == []


def test_a_floating_ip_moves_between_servers(cloud: RunningCloud) -> None:
    first, second = cloud.server("ingress1"), cloud.server("ingress2")
    floating = cloud.client.floating_ips.create("ipv4", home_location=Location(name="fsn1"), name="entry").floating_ip
    for server in (first, second):
        floating.assign(server).wait_until_finished()
        floating.reload()
        assert floating.server.id == server.id
        assert cloud.backend.routes == {floating.ip: server.public_net.ipv4.ip}
    second.reload()
    assert [ip.id for ip in second.public_net.floating_ips] == [floating.id]
    second.delete().wait_until_finished()
    floating.reload()
    assert floating.server is None
    assert cloud.backend.routes == {floating.ip: None}
    floating.assign(first).wait_until_finished()
    floating.unassign().wait_until_finished()
    assert cloud.backend.routes == {floating.ip: None}
    floating.change_protection(delete=True).wait_until_finished()
    with pytest.raises(APIException) as raised:
        floating.delete()
    assert raised.value.code == "protected"


def test_a_floating_ip_may_begin_at_a_server_and_leads_nowhere_once_deleted(cloud: RunningCloud) -> None:
    server = cloud.server("ingress1")
    response = cloud.client.floating_ips.create("ipv4", server=server)
    response.action.wait_until_finished()
    address = response.floating_ip.ip
    assert cloud.backend.routes == {address: server.public_net.ipv4.ip}
    assert not address.startswith(server.public_net.ipv4.ip.rpartition(".")[0])
    response.floating_ip.delete()
    assert cloud.backend.routes == {address: None}


def test_an_ipv6_floating_ip_is_assigned_without_a_machine_hearing_of_it(cloud: RunningCloud) -> None:
    server = cloud.server("ingress1")
    floating = cloud.client.floating_ips.create("ipv6", home_location=Location(name="fsn1")).floating_ip
    floating.assign(server).wait_until_finished()
    floating.reload()
    assert floating.server.id == server.id
    assert cloud.backend.routes == {}


def test_floating_ips_end_some_time() -> None:
    cloud = RunningCloud(addresses=1)
    try:
        cloud.client.floating_ips.create("ipv4", home_location=Location(name="fsn1"))
        with pytest.raises(APIException) as raised:
            cloud.client.floating_ips.create("ipv4", home_location=Location(name="fsn1"))
        assert raised.value.code == "resource_limit_exceeded"
    finally:
        cloud.stop()
