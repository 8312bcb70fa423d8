"""Lab hosts are Debian machines: what a rented one can do, they can."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from lab import cgroup
from lab.cloud.backend import Machine
from lab.errors import LabError
from lab.gitrepo import INFLUENCER
from lab.lab import Lab
from tests.lab.ssh import KeyPair, connect, run, user_data

pytestmark = pytest.mark.hosts

HOST_KEY, CLIENT_KEY = KeyPair.new(), KeyPair.new()
NAME = "worker101"


@pytest.fixture(scope="module")
def address(lab: Lab, runner: asyncio.Runner) -> str:
    """The address of a host that was booted from a user-data."""
    address = str(lab.host_addresses[0])
    runner.run(lab.machines.create(Machine(NAME, address, user_data(HOST_KEY, CLIENT_KEY))))
    return address


@pytest.fixture
def ssh(address: str) -> Iterator[paramiko.SSHClient]:
    """A connection to that host, whose key was known beforehand."""
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        yield client


def test_another_host_key_is_refused(address: str, ssh: paramiko.SSHClient) -> None:
    with pytest.raises(paramiko.BadHostKeyException):
        connect(address, KeyPair.new(), CLIENT_KEY)


def test_cloud_init_does_what_the_user_data_says(ssh: paramiko.SSHClient) -> None:
    assert run(ssh, "cloud-init status --wait >/dev/null && cloud-init status") == (0, "status: done\n")
    assert run(ssh, "hostname") == (0, f"{NAME}\n")
    assert run(ssh, "ls /var/lib/user-data-was-here")[0] == 0
    assert run(ssh, "ls /etc/ssh/ssh_host_*")[1].split() == [
        "/etc/ssh/ssh_host_ed25519_key",
        "/etc/ssh/ssh_host_ed25519_key.pub",
    ]


def test_systemd_is_running_and_nothing_failed(ssh: paramiko.SSHClient) -> None:
    assert run(ssh, "systemctl is-system-running --wait") == (0, "running\n")


@pytest.mark.parametrize("unit", ["ssh", "firewalld", "haproxy", "nginx"])
def test_a_unit_of_the_image_is_active(ssh: paramiko.SSHClient, unit: str) -> None:
    run(ssh, "systemctl is-system-running --wait")
    assert run(ssh, f"systemctl is-active {unit}") == (0, "active\n")


@pytest.mark.parametrize(
    "command",
    [
        "tincd --version",
        "haproxy -c -f /etc/haproxy/haproxy.cfg",
        "nginx -t",
        "git --version",
        "python3 --version",
        "wireguard-go --version",
        "wg --version",
        "nft list ruleset",
        "curl --version",
    ],
)
def test_a_program_of_the_image_works(ssh: paramiko.SSHClient, command: str) -> None:
    status, output = run(ssh, command)
    assert status == 0, output


def test_the_firewall_lets_ssh_in_and_takes_new_ports(ssh: paramiko.SSHClient) -> None:
    run(ssh, "systemctl is-system-running --wait")
    assert run(ssh, "firewall-cmd --get-default-zone") == (0, "public\n")
    assert "ssh" in run(ssh, "firewall-cmd --list-services")[1].split()
    assert run(ssh, "firewall-cmd --permanent --add-port=655/udp && firewall-cmd --reload") == (
        0,
        "success\nsuccess\n",
    )
    assert run(ssh, "firewall-cmd --list-ports") == (0, "655/udp\n")


def test_a_sandboxed_unit_runs(ssh: paramiko.SSHClient) -> None:
    properties = "-p DynamicUser=yes -p ProtectSystem=strict -p PrivateTmp=yes -p MemoryMax=64M -p StateDirectory=app"
    script = "id --user --name; echo $STATE_DIRECTORY"
    status, output = run(ssh, f"systemd-run --wait --pipe --quiet --unit=app {properties} sh -c '{script}'")
    assert (status, output) == (0, "app\n/var/lib/app\n")


def test_a_host_sees_its_own_interfaces_only(ssh: paramiko.SSHClient, address: str) -> None:
    assert run(ssh, "ls /sys/class/net")[1].split() == ["eth0", "lo"]
    interface = json.loads(run(ssh, "ip -json -4 address show eth0")[1])[0]
    assert (interface["addr_info"][0]["local"], interface["addr_info"][0]["prefixlen"]) == (address, 24)


def test_a_host_may_make_interfaces_and_forward(ssh: paramiko.SSHClient) -> None:
    assert run(ssh, "ip tuntap add dev t0 mode tun && ip link delete t0") == (0, "")
    assert run(ssh, "sysctl -w net.ipv4.ip_forward=1") == (0, "net.ipv4.ip_forward = 1\n")


def test_a_host_clones_from_the_git_remote(lab: Lab, runner: asyncio.Runner, ssh: paramiko.SSHClient) -> None:
    url = runner.run(lab.git.seed("influencer", INFLUENCER))
    status, output = run(ssh, f"git clone --quiet {url} /root/influencer && cd /root/influencer && ./build.sh")
    assert status == 0, output
    assert "Building influencer, release second" in output


def test_this_machine_pushes_to_the_git_remote(lab: Lab, runner: asyncio.Runner, tmp_path: Path) -> None:
    url = runner.run(lab.git.seed("pushed", INFLUENCER))
    subprocess.run(["git", "clone", "--quiet", url, tmp_path / "clone"], check=True)
    subprocess.run(["git", "-C", tmp_path / "clone", "push", "--quiet", "origin", "HEAD:scale"], check=True)
    heads = subprocess.run(["git", "ls-remote", "--heads", url, "scale"], check=True, capture_output=True, text=True)
    assert heads.stdout.endswith("refs/heads/scale\n")


def test_a_taken_name_or_address_is_refused(lab: Lab, runner: asyncio.Runner, address: str) -> None:
    with pytest.raises(LabError, match="already a host called worker101"):
        runner.run(lab.machines.create(Machine(NAME, str(lab.host_addresses[5]), "")))
    with pytest.raises(LabError, match="already belongs to another host"):
        runner.run(lab.machines.create(Machine("worker102", address, "")))
    assert lab.machines.names == [NAME]


def test_a_reboot_keeps_the_disk_and_the_host_key(lab: Lab, runner: asyncio.Runner, address: str) -> None:
    with connect(address, HOST_KEY, CLIENT_KEY) as before:
        run(before, "echo kept >/root/kept; touch /tmp/lost")
        boot_id = run(before, "systemctl show --property=UserspaceTimestamp")[1]
    runner.run(lab.machines.reboot(NAME))
    with connect(address, HOST_KEY, CLIENT_KEY) as after:
        assert run(after, "cat /root/kept") == (0, "kept\n")
        assert run(after, "ls /tmp/lost")[0] != 0
        assert run(after, "systemctl show --property=UserspaceTimestamp")[1] != boot_id
        assert run(after, "systemctl is-system-running --wait") == (0, "running\n")


def test_a_host_may_reboot_itself(lab: Lab, runner: asyncio.Runner, address: str) -> None:
    async def until(on: bool) -> None:
        while lab.machines.is_on(NAME) != on:
            await asyncio.sleep(0.01)

    with connect(address, HOST_KEY, CLIENT_KEY) as before:
        run(before, "touch /tmp/lost; systemctl reboot")
    runner.run(asyncio.wait_for(until(on=False), 60))
    runner.run(asyncio.wait_for(until(on=True), 60))
    with connect(address, HOST_KEY, CLIENT_KEY) as after:
        assert run(after, "ls /tmp/lost")[0] != 0
        assert run(after, "systemctl is-system-running --wait") == (0, "running\n")


def test_a_host_that_powers_itself_off_can_be_powered_on(lab: Lab, runner: asyncio.Runner, address: str) -> None:
    async def until_off() -> None:
        while lab.machines.is_on(NAME):
            await asyncio.sleep(0.1)

    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        run(client, "systemctl poweroff")
    runner.run(asyncio.wait_for(until_off(), 60))
    runner.run(lab.machines.power_on(NAME))
    connect(address, HOST_KEY, CLIENT_KEY).close()


def test_a_power_cut_keeps_the_disk(lab: Lab, runner: asyncio.Runner, address: str) -> None:
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        run(client, "echo written >/root/written")
    runner.run(lab.machines.power_off(NAME))
    assert not lab.machines.is_on(NAME)
    runner.run(lab.machines.power_off(NAME))  # a second time is no error
    runner.run(lab.machines.power_on(NAME))
    runner.run(lab.machines.power_on(NAME))
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        assert run(client, "cat /root/written") == (0, "written\n")


def test_a_power_cut_says_goodbye_to_nobody(lab: Lab, runner: asyncio.Runner, address: str) -> None:
    connect(address, HOST_KEY, CLIENT_KEY).close()
    with socket.create_connection((address, 22), timeout=60) as connection:
        assert connection.recv(8) == b"SSH-2.0-"
        connection.recv(100)
        runner.run(lab.machines.power_off(NAME))
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    runner.run(lab.machines.power_on(NAME))
    connect(address, HOST_KEY, CLIENT_KEY).close()


def test_a_shutdown_is_heard_by_the_host(lab: Lab, runner: asyncio.Runner, address: str) -> None:
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        stopping = "ExecStop=sh -c 'echo stopped >/root/stopped'"
        run(client, f'systemd-run --unit=listens -p Type=oneshot -p RemainAfterExit=yes -p "{stopping}" true')
    runner.run(lab.machines.shutdown(NAME))
    assert not lab.machines.is_on(NAME)
    runner.run(lab.machines.power_on(NAME))
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        assert run(client, "cat /root/stopped") == (0, "stopped\n")


def test_an_account_key_lets_root_in_without_user_data(lab: Lab, runner: asyncio.Runner) -> None:
    address = str(lab.host_addresses[1])
    keyless = user_data(HOST_KEY, CLIENT_KEY).replace(f"ssh_authorized_keys:\n  - {CLIENT_KEY.public}\n", "")
    assert CLIENT_KEY.public not in keyless
    runner.run(lab.machines.create(Machine("ingress016", address, keyless, (CLIENT_KEY.public,))))
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        assert run(client, "hostname") == (0, "ingress016\n")
    runner.run(lab.machines.delete("ingress016"))


def test_hosts_reach_each_other_but_not_the_world(lab: Lab, runner: asyncio.Runner, address: str) -> None:
    other = str(lab.host_addresses[2])
    runner.run(lab.machines.create(Machine("worker103", other, user_data(HOST_KEY, CLIENT_KEY))))
    connect(other, HOST_KEY, CLIENT_KEY).close()
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        assert run(client, f"ping -c 1 -W 5 {other}")[0] == 0
        assert run(client, "ping -c 1 -W 1 192.0.2.1")[0] != 0
    runner.run(lab.machines.delete("worker103"))


def test_a_deleted_host_leaves_nothing_and_its_name_is_free_again(
    lab: Lab, runner: asyncio.Runner, address: str
) -> None:
    names = lab.network.names
    octet = names.octet_of_host(address)
    runner.run(lab.machines.delete(NAME))
    assert lab.machines.names == []
    assert not list((lab.folder / "hosts").iterdir())
    assert not Path("/run/netns", names.namespace(octet)).exists()
    assert not Path("/sys/class/net", names.veth(octet)).exists()
    assert str(lab.folder / "hosts") not in Path("/proc/self/mounts").read_text()
    assert cgroup.processes(f"{names.group}/{octet}") == []

    runner.run(lab.machines.delete(NAME))  # a second time is no error
    runner.run(lab.machines.create(Machine(NAME, address, user_data(HOST_KEY, CLIENT_KEY))))
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        assert run(client, "ls /root/written")[0] != 0
