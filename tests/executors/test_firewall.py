"""A machine's zones as firewalld reads them, and the script that brings it there."""

from typing import get_args

import pytest

from executors.firewall import firewall_of, firewall_script, zone_file
from executors.script import wrapped
from gitops.executor import HostFence
from gitops.firewall import zones_in_role
from gitops.registered_tree import parse
from model import keys
from model.names import Role
from tests.executors.clusters import cluster, members
from tests.executors.example import registered
from tests.executors.expected import FIXTURES, check, shellcheck

NODES: dict[Role, str] = {
    "controller": "controller001", "ingress": "ingress016", "worker": "worker101", "service": "service201",
}  # fmt: skip


@pytest.mark.parametrize("role", get_args(Role))
def test_the_zones_as_firewalld_reads_them(role: Role) -> None:
    of = cluster("two-hubs") if role == "controller" else cluster("each-role")
    tree = registered().without(["vpn_ingr"]).model_copy(update={"members": members(of)})
    for zone in zones_in_role(NODES[role], role, of, tree):
        check(FIXTURES / "firewall" / role / f"{zone.name}.xml", zone_file(zone))


def test_the_script() -> None:
    script = firewall_script(
        zones_in_role("worker101", "worker", cluster("overlay"), registered().without(["vpn_ingr"]))
    )
    check(FIXTURES / "firewall" / "worker.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_a_machine_that_nothing_is_known_of_is_left_alone() -> None:
    assert firewall_of("worker199", cluster("small"), parse({keys.CLUSTER: "{}"})) == ""
