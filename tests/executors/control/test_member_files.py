"""What a controller is told of etcd: files and scripts, from what is registered."""

import pytest

from executors.control.authority import MEMBER_NAME
from executors.control.member_files import (
    Place,
    add_script,
    founding_start,
    joining_start,
    look_script,
    prepare_script,
    promote_script,
    remove_script,
    start_script,
    stop_script,
    survey_script,
    users_script,
)
from executors.control.users import forget_node_user_commands, founding_commands, node_user_commands
from executors.script import wrapped
from gitops.executor import HostFence
from tests.executors.expected import FIXTURES, check, shellcheck

PLACE = Place("controller002", "vpn_ctrl", "10.110.0.2", "test-0123456789abcdef")
PEERS = {f"controller00{number}": f"https://10.110.0.{number}:2380" for number in (3, 1, 2)}
CERTIFICATES = {"member": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}
FOUNDING = founding_start(PLACE, PEERS)
JOINING = joining_start(PLACE, "abc123", {peer: node for node, peer in PEERS.items()})
SCRIPTS = {
    "prepare": prepare_script(PLACE, CERTIFICATES["member"]),
    "look": look_script(),
    "found": start_script(PLACE, CERTIFICATES, FOUNDING),
    "join": start_script(PLACE, CERTIFICATES, JOINING, "status"),
    "go-on": start_script(PLACE, {}, None),
    "stop": stop_script(),
    "survey": survey_script(),
    "add": add_script(PLACE),
    "replace": add_script(PLACE, stale="abc123"),
    "promote": promote_script("abc123"),
    "remove": remove_script("abc123"),
    "remove-the-leader": remove_script("abc123", "https://10.110.0.2:2379", "def456"),
    "users": users_script(founding_commands()),
    "enrol": users_script(node_user_commands("worker101", flanneld=True)),
    "enrol-without-flanneld": users_script(node_user_commands("worker101")),
    "forget": users_script(forget_node_user_commands("worker101")),
}


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_the_script_is_as_expected_and_shellcheck_finds_no_fault(name: str) -> None:
    check(FIXTURES / "etcd" / f"{name}.sh", SCRIPTS[name])
    shellcheck(wrapped(SCRIPTS[name], HostFence(1)))


def test_founders_begin_with_each_other_and_keep_data_of_their_founding() -> None:
    assert FOUNDING.initial_cluster == (
        "controller001=https://10.110.0.1:2380,controller002=https://10.110.0.2:2380,"
        "controller003=https://10.110.0.3:2380"
    )
    assert (FOUNDING.state, FOUNDING.membership) == ("new", "test-0123456789abcdef/founded")
    assert FOUNDING.kept == "test-0123456789abcdef/*"


def test_one_that_is_added_keeps_data_of_this_very_membership() -> None:
    assert JOINING.initial_cluster == FOUNDING.initial_cluster
    assert (JOINING.state, JOINING.kept) == ("existing", "test-0123456789abcdef/abc123")


def test_members_let_in_certificates_of_members_alone_and_no_gateway_lends_its_own() -> None:
    settings = dict(line.split("=", 1) for line in SCRIPTS["found"].splitlines() if line.startswith("ETCD_"))
    assert settings["ETCD_PEER_CERT_ALLOWED_HOSTNAME"] == MEMBER_NAME
    assert settings["ETCD_ENABLE_GRPC_GATEWAY"] == "false"
    assert settings["ETCD_CLIENT_CERT_AUTH"] == settings["ETCD_PEER_CLIENT_CERT_AUTH"] == "true"
    assert settings["ETCD_LISTEN_CLIENT_URLS"] == "https://10.110.0.2:2379,https://127.0.0.1:2379"
    assert settings["ETCD_LISTEN_PEER_URLS"] == "https://10.110.0.2:2380"
