"""Who may reach what on a machine of each role: manifest and registry in, zones out."""

from typing import get_args

import pytest

from executors.firewall import Opening, firewall, firewall_of, firewall_script
from executors.script import wrapped
from gitops.registry import parse
from model import keys
from model.names import Role
from model.registered import MeshMember, Registered
from tests.executors.clusters import cluster, members
from tests.executors.example import registered
from tests.executors.expected import FIXTURES, check, shellcheck

NODES: dict[Role, str] = {
    "controller": "controller001", "ingress": "ingress016", "worker": "worker101", "service": "service101",
}  # fmt: skip


def openings(role: Role, of: str = "small", tree: Registered | None = None) -> dict[str, set[str]]:
    """By zone, what is let in from everywhere."""
    zones = firewall(NODES[role], role, cluster(of), tree or registered())
    return {zone.name: {f"{one.ports}/{one.protocol}" for one in zone.openings if not one.sources} for zone in zones}


def test_a_worker_shows_the_public_ssh_and_its_networks_and_its_apps_to_the_mesh_that_carries_them() -> None:
    assert openings("worker") == {
        "public": {"22/tcp", "760/tcp", "760/udp", "762/tcp", "762/udp"},
        "vpn_ctrl": {"5001/tcp"},
        "vpn_ingr": {"5001/tcp", "20000-29999/tcp"},
    }


def test_where_there_is_an_overlay_it_carries_the_apps() -> None:
    assert openings("worker", "overlay") == {
        "public": {"22/tcp", "760/tcp", "760/udp", "51820/udp"},
        "vpn_ctrl": {"5001/tcp"},
        "overlay": {"5001/tcp", "20000-29999/tcp"},
    }


def test_an_ingress_serves_the_public_what_it_publishes() -> None:
    assert openings("ingress")["public"] == {"22/tcp", "80/tcp", "443/tcp", "760/tcp", "760/udp", "762/tcp", "762/udp"}
    several = openings("ingress", tree=registered("several"))["public"]
    assert "8080/tcp" in several
    assert not any(port.startswith("2000") for zone in openings("ingress").values() for port in zone)


def test_etcd_is_for_the_mesh_and_its_peers_port_for_controllers() -> None:
    tree = Registered(members=members(cluster("two-hubs")))
    zones = {zone.name: zone for zone in firewall("controller001", "controller", cluster("two-hubs"), tree)}
    assert zones["vpn_ctrl"].openings == (Opening("2379", "tcp"), Opening("2380", "tcp", ("10.110.0.2",)))
    assert {one.ports for one in zones["public"].openings} == {"22", "760"}


def test_a_new_worker_changes_nothing_on_a_controller() -> None:
    before = firewall("controller001", "controller", cluster("small"), registered())
    member = MeshMember(node="worker109", role="worker", endpoint="198.51.100.9", address="10.110.0.9", public_key="K")
    more = registered().model_copy(update={"members": {"vpn_ctrl": {"worker109": member}}})
    assert firewall("controller001", "controller", cluster("small"), more) == before


@pytest.mark.parametrize("role", get_args(Role))
def test_the_zones_as_firewalld_reads_them(role: Role) -> None:
    of = cluster("two-hubs") if role == "controller" else cluster("each-role")
    tree = registered().model_copy(update={"members": members(of)})
    for zone in firewall(NODES[role], role, of, tree):
        check(FIXTURES / "firewall" / role / f"{zone.name}.xml", zone.file)


def test_the_script() -> None:
    script = firewall_script(firewall("worker101", "worker", cluster("overlay"), registered()))
    check(FIXTURES / "firewall" / "worker.sh", script)
    shellcheck(wrapped(script, 1))


def test_a_machine_that_nothing_is_known_of_is_left_alone() -> None:
    assert firewall_of("worker199", cluster("small"), parse({keys.CLUSTER: "{}"})) == ""
