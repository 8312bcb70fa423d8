"""Debian's `hcloud` command, unmodified."""

import time
from pathlib import Path

from tests.lab.cloud.conftest import Hcloud
from tests.lab.cloud.keys import FINGERPRINT, KEY
from tests.lab.cloud.running_cloud import RunningCloud


def test_servers(cloud: RunningCloud, hcloud: Hcloud, tmp_path: Path) -> None:
    user_data = tmp_path / "user-data"
    user_data.write_text("#cloud-config\n")
    hcloud(
        "server", "create", "--name", "worker101", "--type", "cx22", "--image", "debian-12", "--location", "nbg1",
        "--label", "role=worker", "--user-data-from-file", str(user_data),
    )  # fmt: skip
    assert cloud.backend.machines["worker101"].user_data == "#cloud-config\n"
    listed = hcloud("server", "list", "--selector", "role=worker", "--output", "columns=name,status,ipv4,datacenter")
    assert listed.splitlines()[1].split() == ["worker101", "running", "10.77.0.10", "nbg1-dc3"]
    assert "Debian 12" in hcloud("server", "describe", "worker101")
    hcloud("server", "add-label", "worker101", "drained=yes")
    hcloud("server", "poweroff", "worker101")
    hcloud("server", "enable-protection", "worker101", "delete", "rebuild")
    hcloud("server", "disable-protection", "worker101", "delete", "rebuild")
    hcloud("server", "delete", "worker101")
    while "worker101" in hcloud("server", "list"):  # this version does not wait for the action
        time.sleep(0.01)
    assert not cloud.backend.machines


def test_ssh_keys(hcloud: Hcloud) -> None:
    hcloud("ssh-key", "create", "--name", "operator", "--public-key", KEY)
    assert FINGERPRINT in hcloud("ssh-key", "list")
    assert KEY in hcloud("ssh-key", "describe", "operator")
    hcloud("ssh-key", "delete", "operator")


def test_networks(cloud: RunningCloud, hcloud: Hcloud) -> None:
    cloud.server("worker101")
    hcloud("network", "create", "--name", "private", "--ip-range", "10.1.0.0/16")
    hcloud(
        "network",
        "add-subnet",
        "private",
        "--type",
        "cloud",
        "--network-zone",
        "eu-central",
        "--ip-range",
        "10.1.1.0/24",
    )
    hcloud("server", "attach-to-network", "worker101", "--network", "private")
    assert "10.1.1.1 (private)" in hcloud("server", "list", "--output", "columns=name,private_net")
    assert "10.1.1.0/24" in hcloud("network", "describe", "private")
    hcloud("network", "delete", "private")


def test_firewalls(cloud: RunningCloud, hcloud: Hcloud) -> None:
    cloud.server("worker101")
    hcloud("firewall", "create", "--name", "public")
    rule = ("--direction", "in", "--protocol", "tcp", "--port", "22", "--source-ips", "0.0.0.0/0")
    hcloud("firewall", "add-rule", "public", *rule)
    hcloud("firewall", "apply-to-resource", "public", "--type", "server", "--server", "worker101")
    described = hcloud("firewall", "describe", "public")
    assert "worker101" in described
    assert "0.0.0.0/0" in described
    hcloud("firewall", "remove-from-resource", "public", "--type", "server", "--server", "worker101")
    hcloud("firewall", "delete", "public")


def test_addresses(cloud: RunningCloud, hcloud: Hcloud) -> None:
    cloud.server("ingress1")
    hcloud("floating-ip", "create", "--type", "ipv4", "--home-location", "fsn1", "--name", "entry")
    hcloud("floating-ip", "assign", "entry", "ingress1")
    assert "ingress1" in hcloud("floating-ip", "list")
    hcloud("floating-ip", "unassign", "entry")
    hcloud("floating-ip", "delete", "entry")
    assert "10.77.0.10" in hcloud("primary-ip", "list")


def test_placement_groups(hcloud: Hcloud) -> None:
    hcloud("placement-group", "create", "--name", "controllers", "--type", "spread")
    server = ("--type", "cx22", "--image", "debian-12", "--placement-group", "controllers")
    hcloud("server", "create", "--name", "controller1", *server)
    assert "controller1" in hcloud("placement-group", "describe", "controllers")


def test_the_catalog(hcloud: Hcloud) -> None:
    assert "cax11" in hcloud("server-type", "list")
    assert "Monthly" in hcloud("server-type", "describe", "cx22")
    assert "hel1" in hcloud("location", "list")
    assert "fsn1-dc14" in hcloud("datacenter", "list")
    assert "cx22" in hcloud("datacenter", "describe", "fsn1-dc14")
    assert "debian-12" in hcloud("image", "list")
