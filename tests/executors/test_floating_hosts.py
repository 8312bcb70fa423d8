"""A floating IP on two real machines: taken, moved, let go, kept over reboots and power cuts."""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address

import paramiko
import pytest

from executors.cloud import CloudSettings
from executors.floating_files import floating_script, taken
from executors.floating_ips import FloatingIps
from tests.executors.machines import Machines
from tests.executors.rented import TOKEN, rented_hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

FIRST, SECOND = "ingress016", "worker101"
UNITS = (
    "systemctl show --property=ActiveEnterTimestampMonotonic 'flstr-floating-ip@*'; "
    "find /etc/systemd /var/lib/flstr/pending -name 'flstr-floating*' -size +0 -printf '%p %T@ %i\\n' | sort"
)


@pytest.fixture(scope="module")
def machines(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Two machines that were rented and reached."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        machines = Machines(rented, store, tmp_path_factory.mktemp("machines"))
        machines.create(FIRST, SECOND)
        yield machines
        machines.ssh.close()


@pytest.fixture
def ips(machines: Machines) -> FloatingIps:
    return FloatingIps(CloudSettings(TOKEN, "ssh-ed25519 AAAA", machines.rented.url), "small")


@pytest.fixture
def entry(ips: FloatingIps) -> IPv4Address:
    """The floating IP `entry`, wherever the test before left it."""
    return ips.ensure("entry", "fsn1").ip


def hold(machines: Machines, node: str, *addresses: IPv4Address) -> str:
    """Have a machine answer at these; what the script printed."""
    return machines.on(node, floating_script(addresses))


def who_answers(machines: Machines, address: IPv4Address) -> str | None:
    """The machine behind an address, known by its host key."""
    try:
        connection = socket.create_connection((str(address), 22), timeout=10)
    except OSError:
        return None
    transport = paramiko.Transport(connection)
    try:
        transport.start_client(timeout=60)
        key = transport.get_remote_server_key()
    finally:
        transport.close()
    shown = f"{key.get_name()} {key.get_base64()}"
    known = {node: machines.registry.host(node) for node in (FIRST, SECOND)}
    return next((node for node, host in known.items() if host and host.host_key.startswith(shown)), "a stranger")


def test_a_machine_answers_once_it_has_taken_the_address(
    machines: Machines, ips: FloatingIps, entry: IPv4Address
) -> None:
    ips.assign("entry", FIRST)
    assert who_answers(machines, entry) is None
    assert taken(hold(machines, FIRST, entry)) == {entry}
    assert who_answers(machines, entry) == FIRST


def test_the_second_time_nothing_is_changed(machines: Machines, entry: IPv4Address) -> None:
    hold(machines, FIRST, entry)
    before = machines.on(FIRST, UNITS)
    assert str(entry) in before
    assert hold(machines, FIRST, entry) == ""
    assert machines.on(FIRST, UNITS) == before


def test_an_address_that_somebody_took_away_is_taken_again(machines: Machines, entry: IPv4Address) -> None:
    hold(machines, FIRST, entry)
    machines.on(FIRST, f"ip address delete {entry}/32 dev lo")
    assert taken(hold(machines, FIRST, entry)) == {entry}
    assert machines.on(FIRST, f"ip -oneline address show to {entry}").count(str(entry)) == 1


def test_it_moves_to_another_machine_and_the_first_lets_go(
    machines: Machines, ips: FloatingIps, entry: IPv4Address
) -> None:
    hold(machines, FIRST, entry)
    ips.assign("entry", FIRST)
    # Taken first, so that there is somebody wherever the cloud sends it.
    hold(machines, SECOND, entry)
    assert who_answers(machines, entry) == FIRST
    ips.assign("entry", SECOND)
    assert who_answers(machines, entry) == SECOND
    other = IPv4Address(int(entry) + 1)
    assert hold(machines, FIRST, other) == f"let go of {entry}\ntook {other}\n"
    assert hold(machines, FIRST) == f"let go of {other}\n"
    assert machines.on(FIRST, f"{UNITS}; ip -oneline address show to {entry}").strip() == ""
    assert hold(machines, FIRST) == ""
    assert who_answers(machines, entry) == SECOND


def test_it_is_kept_over_a_reboot(machines: Machines, ips: FloatingIps, entry: IPv4Address) -> None:
    ips.assign("entry", SECOND)
    hold(machines, SECOND, entry)
    machines.rented.reboot(SECOND)
    machines.await_ssh(SECOND)
    assert who_answers(machines, entry) == SECOND
    assert machines.on(SECOND, "systemctl is-failed 'flstr-floating-ip@*' || true").strip() == "active"
    assert hold(machines, SECOND, entry) == ""


def test_a_dead_machine_loses_it_and_lets_go_when_it_is_back(
    machines: Machines, ips: FloatingIps, entry: IPv4Address
) -> None:
    ips.assign("entry", SECOND)
    hold(machines, SECOND, entry)
    machines.rented.cut_power(SECOND)
    assert who_answers(machines, entry) is None
    hold(machines, FIRST, entry)
    ips.assign("entry", FIRST)
    assert who_answers(machines, entry) == FIRST
    machines.rented.reboot(SECOND)
    machines.ssh.forget(SECOND)
    machines.await_ssh(SECOND)
    # It still thinks that it has it, and nobody is sent there.
    assert who_answers(machines, entry) == FIRST
    assert hold(machines, SECOND) == f"let go of {entry}\n"
    assert who_answers(machines, entry) == FIRST
