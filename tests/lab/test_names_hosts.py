"""On lab hosts: names of the cloud's zones, and floating IPs with what is sent to them."""

import os
import socket
from collections.abc import Iterator

import paramiko
import pytest
from hcloud.locations import Location
from hcloud.zones import ZoneRecord

from lab.naming import LabFolders
from tests.lab.cloud.running_cloud import AnyClient
from tests.lab.ssh import KeyPair, connect, run
from tests.lab.standing import Standing

pytestmark = pytest.mark.hosts

CLIENT_KEY = KeyPair.new()
HOST_KEYS = {"ingress1": KeyPair.new(), "ingress2": KeyPair.new()}


@pytest.fixture(scope="module")
def standing(folders: LabFolders) -> Iterator[Standing]:
    standing = Standing(f"names-{os.getpid()}", folders)
    yield standing
    standing.stop()


@pytest.fixture(scope="module")
def servers(standing: Standing) -> dict[str, AnyClient]:
    """Two servers by name, up."""
    return {server.name: server for server in standing.servers(CLIENT_KEY, **HOST_KEYS)}


@pytest.fixture
def ssh(servers: dict[str, AnyClient]) -> Iterator[dict[str, paramiko.SSHClient]]:
    """A connection to each, by its own address."""
    clients = {
        name: connect(server.public_net.ipv4.ip, HOST_KEYS[name], CLIENT_KEY) for name, server in servers.items()
    }
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def floating(standing: Standing) -> Iterator[AnyClient]:
    """A floating IP that nobody has, and none of the hosts ever had."""
    floating = standing.client.floating_ips.create("ipv4", home_location=Location(name="fsn1")).floating_ip
    yield floating
    floating.delete()


def who_answers(address: str) -> str | None:
    """The host that is behind an address, known by its key: asked from this machine; None if there is none."""
    try:
        socket.create_connection((address, 22), timeout=1).close()
    except OSError:
        return None
    for name, key in HOST_KEYS.items():
        try:
            connect(address, key, CLIENT_KEY).close()
        except paramiko.BadHostKeyException:
            continue
        return name
    return "a stranger"


def hears(client: paramiko.SSHClient, address: str) -> bool:
    """Whether a host gets an answer from an address."""
    return run(client, f"nc -w 2 {address} 22 </dev/null | grep -q SSH-2.0")[0] == 0


def test_a_record_made_over_the_api_resolves_on_a_host(standing: Standing, ssh: dict[str, paramiko.SSHClient]) -> None:
    host = ssh["ingress1"]
    zone = standing.client.zones.create(name="flstr.example", mode="primary").zone
    assert run(host, "getent ahostsv4 www.flstr.example") == (2, "")
    rrset = zone.create_rrset(name="www", type="A", records=[ZoneRecord("10.78.0.1")]).rrset
    zone.create_rrset(name="*.apps", type="CNAME", records=[ZoneRecord("www")])
    assert run(host, "getent ahostsv4 www.flstr.example | awk '{print $1}' | uniq") == (0, "10.78.0.1\n")
    assert run(host, "getent ahostsv4 one.apps.flstr.example | awk '{print $1}' | uniq") == (0, "10.78.0.1\n")
    rrset.set_rrset_records([ZoneRecord("10.78.0.2")])
    assert run(host, "getent ahostsv4 www.flstr.example | awk '{print $1}' | uniq") == (0, "10.78.0.2\n")
    many = [ZoneRecord(f"10.78.9.{number}") for number in range(1, 121)]
    zone.create_rrset(name="many", type="A", records=many)
    # More than fits into a datagram: the host asks again by TCP.
    assert run(host, "getent ahostsv4 many.flstr.example | awk '{print $1}' | sort -u | wc -l") == (0, "120\n")


def test_a_name_of_nobody_fails_at_once(ssh: dict[str, paramiko.SSHClient]) -> None:
    assert run(ssh["ingress1"], "timeout 8 getent hosts www.elsewhere.test")[0] == 2


def test_a_host_answers_at_a_floating_ip_that_is_assigned_to_it_and_on_its_interface(
    servers: dict[str, AnyClient], ssh: dict[str, paramiko.SSHClient], floating: AnyClient
) -> None:
    assert who_answers(floating.ip) is None
    floating.assign(servers["ingress1"]).wait_until_finished()
    assert who_answers(floating.ip) is None
    run(ssh["ingress1"], f"ip address add {floating.ip}/32 dev eth0")
    assert who_answers(floating.ip) == "ingress1"
    # A busy host may be slow to answer.
    assert any(hears(ssh["ingress2"], floating.ip) for _ in range(10))
    floating.unassign().wait_until_finished()
    assert who_answers(floating.ip) is None
    assert not hears(ssh["ingress2"], floating.ip)


def test_of_two_hosts_with_the_address_the_one_it_is_assigned_to_answers(
    servers: dict[str, AnyClient], ssh: dict[str, paramiko.SSHClient], floating: AnyClient
) -> None:
    for client in ssh.values():
        run(client, f"ip address add {floating.ip}/32 dev eth0")
    assert who_answers(floating.ip) is None
    for name in ("ingress1", "ingress2", "ingress1"):
        floating.assign(servers[name]).wait_until_finished()
        assert who_answers(floating.ip) == name


def test_a_floating_ip_leads_nowhere_once_its_server_is_gone(
    servers: dict[str, AnyClient], ssh: dict[str, paramiko.SSHClient], floating: AnyClient
) -> None:
    run(ssh["ingress2"], f"ip address add {floating.ip}/32 dev eth0")
    floating.assign(servers["ingress2"]).wait_until_finished()
    assert who_answers(floating.ip) == "ingress2"
    servers["ingress2"].delete().wait_until_finished()
    assert who_answers(floating.ip) is None
    floating.assign(servers["ingress1"]).wait_until_finished()
    run(ssh["ingress1"], f"ip address add {floating.ip}/32 dev eth0")
    assert who_answers(floating.ip) == "ingress1"
