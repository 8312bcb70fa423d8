"""Host files against what is registered, with the machine whose file is to be written again."""

from typing import Any

import pytest

from tests.executors.doctor.ward import HUB, WORKER, well


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"key": ""}, "worker101 has no public key of ingress016 in vpn_ingr"),
        ({"key": "0" * 16}, "worker101 has a public key of ingress016 in vpn_ingr that is not ingress016's"),
        ({"address": ""}, "worker101 has no address of ingress016 in vpn_ingr"),
        (
            {"address": "192.0.2.9"},
            "worker101 has another address of ingress016 in vpn_ingr than is registered",
        ),
        ({"port": "7999"}, "worker101 has port 7999 of ingress016 in vpn_ingr, which is not the mesh's"),
        ({"port": ""}, "worker101 has port 655 of ingress016 in vpn_ingr, which is not the mesh's"),
        (
            {"subnets": frozenset({"10.120.0.1"})},
            "worker101 does not let ingress016 have 10.120.0.0/24 in vpn_ingr",
        ),
    ],
)
def test_a_file_that_is_not_what_flstr_writes(changes: dict[str, Any], text: str) -> None:
    (found,) = well().with_file(WORKER, HUB, **changes).found()
    assert found.text == text
    assert WORKER in found.mends


def test_a_file_that_is_not_there() -> None:
    (found,) = well().without_file(WORKER, HUB).found()
    assert found.text == "worker101 has no host file of ingress016 in vpn_ingr"
    assert found.mends == {WORKER}


def test_a_machines_own_file_counts_as_well() -> None:
    (found,) = well().with_file(WORKER, WORKER, address="192.0.2.9").found()
    assert found.text == "worker101 has another address of worker101 in vpn_ingr than is registered"


def test_a_single_address_is_the_same_with_its_length_and_without() -> None:
    subnets = frozenset({"10.120.0.1", "10.120.0.0/24"})
    assert well().with_file(WORKER, HUB, subnets=subnets).found() == []


def test_a_file_of_somebody_who_is_not_in_the_mesh_lets_that_machine_in() -> None:
    hosts = well().mesh(WORKER).hosts
    (found,) = well().in_mesh(WORKER, hosts={**hosts, "worker999": hosts[HUB]}).found()
    assert found.text == "worker101 has a host file of worker999 in vpn_ingr, which it should not"
    assert found.mends == {WORKER}
