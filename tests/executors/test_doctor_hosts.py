"""Every line of tincd that the doctor knows, produced by real daemons, found, named, and mended where that is safe."""

from collections.abc import Iterator

import pytest

from tests.executors.patients import HUB, MESH, OTHER_HUB, WELL, WORKER, Patients, mended
from tests.executors.rented import rented_hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def patients(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patients]:
    """Well at first, and at the end of each test but the last."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        patients = Patients(rented, store, tmp_path_factory.mktemp("patients"))
        yield patients
        patients.ssh.close()


def test_machines_that_are_well_are_one_line(patients: Patients) -> None:
    assert patients.doctor() == [WELL]
    assert patients.doctor(WORKER) == ["✓ 3 machines, 2 tunnels: all well"]


def test_a_hub_without_a_members_key_or_without_its_file(patients: Patients) -> None:
    with patients.until_logged(
        ingress016="No public key for worker101 specified!",
        ingress017=r"had unknown identity \(worker101\)",
        worker101="Timeout from ingress01[67] .* during authentication",
    ):
        patients.on(HUB, f"without_key {WORKER}; reread_files")
        patients.on(OTHER_HUB, f"rm hosts/{WORKER}; reread_files")
        patients.on(WORKER, "redial")
    wrong = [
        "ingress016 has no public key of worker101 in vpn_ingr",
        "ingress017 has no host file of worker101 in vpn_ingr",
    ]
    assert patients.doctor() == [
        f"✗ {wrong[0]}: doctor ingress016 --fix writes its host file again",
        f"✗ {wrong[1]}: doctor ingress017 --fix writes its host file again",
    ]
    assert mended(patients.doctor("--fix")) == wrong


def test_a_member_without_a_hubs_file_or_its_address_which_waits_15_minutes(patients: Patients) -> None:
    with patients.until_logged(worker101="No address specified for ingress017"):
        patients.on(
            WORKER,
            f"sed -i s/MaxTimeout.*/MaxTimeout=900/ tinc.conf; systemctl restart tinc@{MESH}\n"
            f"rm hosts/{HUB}; sed -i /Address/d hosts/{OTHER_HUB}; reread_files",
        )
    log = patients.on(WORKER, f"journalctl --quiet --output=cat --lines=20 --unit=tinc@{MESH}")
    assert f"Cannot open config file /etc/tinc/{MESH}/hosts/{HUB}" in log
    assert "Trying to re-establish outgoing connection in 900 seconds" in log
    wrong = [
        "worker101 has no address of ingress017 in vpn_ingr",
        "worker101 has no host file of ingress016 in vpn_ingr",
    ]
    assert [line.partition(": ")[0] for line in patients.doctor()] == [f"✗ {one}" for one in wrong]
    assert mended(patients.doctor("--fix")) == wrong


def test_a_key_that_is_another_ones_and_one_of_another_length(patients: Patients) -> None:
    with (
        # What is decrypted with a wrong key is seen to be bogus once it has an end of line, at the second try at times.
        patients.until_logged(worker101="Bogus data received from ingress016"),
        patients.until_logged(
            worker101="Possible intruder ingress017 .*: wrong keylength",
            ingress016="Timeout from worker101 .* during authentication",
        ),
    ):
        patients.on(HUB, f"without_key {WORKER}; sed -n '/BEGIN/,$p' hosts/{OTHER_HUB} >>hosts/{WORKER}; reread_files")
        patients.on(
            OTHER_HUB,
            f"without_key {WORKER}; openssl genrsa 2048 2>/dev/null | openssl rsa -RSAPublicKey_out 2>/dev/null "
            f">>hosts/{WORKER}; reread_files",
        )
        patients.on(WORKER, "redial")
    wrong = [
        "ingress016 has a public key of worker101 in vpn_ingr that is not worker101's",
        "ingress017 has a public key of worker101 in vpn_ingr that is not worker101's",
    ]
    assert [line.partition(": ")[0] for line in patients.doctor(WORKER)] == [f"✗ {one}" for one in wrong]
    assert mended(patients.doctor("--fix")) == wrong


def test_a_daemon_that_is_down_and_a_port_that_is_wrong(patients: Patients) -> None:
    with patients.until_logged(worker101=r"ingress016 .*: Connection refused|ingress017 .*: Connection refused"):
        patients.on(OTHER_HUB, f"systemctl disable --quiet --now tinc@{MESH}")
        patients.on(WORKER, f"sed -i 's/^Port.*/Port = 7999/' hosts/{HUB}; reread_files")
    wrong = [
        "tincd of vpn_ingr does not run on ingress017",
        "worker101 has port 7999 of ingress016 in vpn_ingr, which is not the mesh's",
        "tincd of vpn_ingr does not start at boot on ingress017",
    ]
    assert [line.partition(": ")[0] for line in patients.doctor()] == [
        f"✗ {wrong[0]}",
        f"✗ {wrong[1]}",
        f"! {wrong[2]}",
    ]
    assert mended(patients.doctor("--fix")) == wrong


def test_the_address_of_another_hub_and_a_subnet_that_is_not_allowed(patients: Patients) -> None:
    with patients.until_logged(
        worker101="is ingress017 instead of ingress016",
        ingress017="Ignoring unauthorized ADD_SUBNET from worker101",
    ):
        patients.on(OTHER_HUB, f"sed -i /Subnet/d hosts/{WORKER}; reread_files")
        patients.on(WORKER, f"sed -i 's/^Address.*/Address = {patients.address(OTHER_HUB)}/' hosts/{HUB}; reread_files")
    subnet = patients.registry.read().nodes[WORKER].addresses[MESH]
    wrong = [
        f"ingress017 does not let worker101 have {subnet} in vpn_ingr",
        "worker101 has another address of ingress016 in vpn_ingr than is registered; ingress017 answers there",
    ]
    assert [line.partition(": ")[0] for line in patients.doctor()] == [f"✗ {one}" for one in wrong]
    assert mended(patients.doctor("--fix")) == wrong


def test_what_the_files_do_not_show_names_firewall_mtu(patients: Patients) -> None:
    patients.on(WORKER, f"sed -i '/ {OTHER_HUB}.{MESH}/d' /etc/hosts; ip link set {MESH} mtu 900")
    patients.on(HUB, "firewall-cmd --quiet --zone=public --remove-port=762/udp")
    wrong = [
        "firewalld on ingress016 keeps vpn_ingr's port 762 closed",
        "vpn_ingr on worker101 has an MTU of 900 instead of 1500",
        "worker101 has no line in /etc/hosts for ingress017.vpn_ingr",
    ]
    assert {line[2:].partition(": ")[0] for line in patients.doctor()} == set(wrong)
    assert set(mended(patients.doctor("--fix"))) == set(wrong)


def test_another_version_of_the_protocol_is_for_a_person(patients: Patients) -> None:
    with patients.until_logged(ingress016="Peer worker101 .* uses incompatible version 18"):
        # What is closed before the hub has read it would be thrown away unread.
        crude = f"exec 3<>/dev/tcp/{patients.address(HUB)}/762; printf '0 {WORKER} 18\\n' >&3; sleep infinity"
        patients.on(WORKER, f'systemd-run --quiet --unit=crude bash -c "{crude}"')
    patients.on(WORKER, "systemctl stop crude")
    wrong = "✗ worker101 speaks version 18 of tinc's protocol to ingress016 in vpn_ingr, which ingress016 does not"
    assert patients.doctor("--fix") == [f"{wrong}: have the same tinc on both"]
    patients.restart_daemons()


def test_a_copied_machine_is_for_a_person(patients: Patients) -> None:
    with patients.until_logged(worker101="Possible node with same Name as us!"):
        # The copy connects to one hub and the machine to the other, so that neither takes the other's connection.
        patients.on(
            WORKER,
            "cp -r . /root/copy; sed -i '/Interface/d' /root/copy/tinc.conf\n"
            f"sed -i /{HUB}/d /root/copy/tinc.conf; sed -i /{OTHER_HUB}/d tinc.conf\n"
            "printf 'DeviceType = dummy\\nBindToAddress = * 7655\\n' >>/root/copy/tinc.conf\n"
            f"rm /root/copy/tinc-up /root/copy/tinc-down; systemctl restart tinc@{MESH}\n"
            "systemd-run --quiet --unit=copy tincd -c /root/copy -D --pidfile=/run/copy.pid",
        )
    assert "✗ another machine calls itself worker101 in vpn_ingr" in [
        line.partition(": ")[0] for line in patients.doctor()
    ]
    patients.on(WORKER, "systemctl stop copy; rm -r /root/copy")
    patients.restart_daemons()


def test_a_connection_that_is_reset_again_and_again(patients: Patients) -> None:
    for _ in range(3):
        with patients.until_logged(worker101="Metadata socket read error for ingress017 .*: Connection reset by peer"):
            # What the hub has not read when it is killed makes its kernel answer with a reset: here the worker's ping,
            # which it sends when it is told to dial; the other hub says nothing meanwhile.
            patients.on(OTHER_HUB, f"systemctl kill --kill-who=main --signal=STOP tinc@{MESH}")
            patients.on(WORKER, "redial")
            patients.on(OTHER_HUB, f"until_unread {patients.address(WORKER)}")
            patients.on(OTHER_HUB, f"systemctl kill --kill-who=main --signal=KILL tinc@{MESH}")
        with patients.until_logged(worker101="Connection with ingress017 .* activated"):
            patients.on(OTHER_HUB, f"systemctl restart tinc@{MESH}")
            patients.on(WORKER, "redial")
    assert patients.doctor() == [
        "! the connection of worker101 with ingress017 in vpn_ingr breaks: "
        "see whether ingress017 is overloaded, or its network loses packets"
    ]


def test_a_dead_machine_explains_what_the_others_see(patients: Patients) -> None:
    patients.restart_daemons()
    patients.rented.cut_power(OTHER_HUB)
    lines = patients.doctor()
    assert [line.partition(" (")[0] for line in lines] == ["✗ ingress017 cannot be looked at"]
