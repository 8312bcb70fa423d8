"""What a machine holds of the overlay: leases in, script out."""

import pytest

from executors.overlay_files import (
    Named,
    address_of,
    leaving_overlay_script,
    overlay_key_script,
    overlay_script,
    place,
    public_overlay_key,
    reached_in_overlay,
)
from executors.script import wrapped
from executors.unit_files import network_units
from gitops.executor import HostFence
from model.networks import Overlay
from model.registered import OverlayLease, WireGuardEnd
from tests.executors.expected import FIXTURES, check, shellcheck

WIREGUARD = Overlay.model_validate({"network": "10.5.0.0/16"})
FLANNELD = Overlay.model_validate(
    {
        "network": "10.5.0.0/16",
        "driver": "flanneld",
        "flanneld": {
            "url": "https://example.com/flanneld-amd64",
            "sha256": "0123456789abcdef" * 4,
            "etcd": ["http://10.110.0.1:2379", "http://10.110.0.2:2379"],
        },
    }
)
NODES = {"ingress016": "198.51.100.1", "worker101": "198.51.100.2", "worker102": "198.51.100.3"}
LEASES = {
    f"10.5.{number}.0/24": OverlayLease(
        public_ip=ip, backend_data=WireGuardEnd(public_key=node.ljust(43, "A") + "=", port=51820)
    )
    for number, (node, ip) in enumerate(NODES.items(), start=1)
}


@pytest.mark.parametrize("overlay", [WIREGUARD, FLANNELD], ids=lambda overlay: overlay.driver)
def test_the_script_of_a_driver(overlay: Overlay) -> None:
    of_node = place("198.51.100.2", overlay, LEASES, NODES, ["vpn_ctrl"])
    others = [one for one in of_node.names if one.node != "worker101"]
    script = overlay_script(of_node, others)
    check(FIXTURES / "overlay" / f"{overlay.driver}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_leaving_and_the_key() -> None:
    for name, script in {"leave.sh": leaving_overlay_script(), "keys.sh": overlay_key_script()}.items():
        check(FIXTURES / "overlay" / name, script)
        shellcheck(wrapped(script, HostFence(1)))


def test_every_other_machine_is_a_peer_and_every_machine_has_a_name() -> None:
    of_node = place("198.51.100.2", WIREGUARD, LEASES, NODES)
    assert of_node.subnet == "10.5.2.0/24"
    assert [(peer.endpoint, peer.subnet) for peer in of_node.peers] == [
        ("198.51.100.1:51820", "10.5.1.0/24"),
        ("198.51.100.3:51820", "10.5.3.0/24"),
    ]
    assert of_node.names[0] == Named("ingress016", "10.5.1.0")
    assert len(of_node.names) == 3


def test_a_machine_of_somebody_else_is_a_peer_without_a_name() -> None:
    known = {node: ip for node, ip in NODES.items() if node != "worker102"}
    of_node = place("198.51.100.2", WIREGUARD, LEASES, known)
    assert len(of_node.peers) == 2
    assert [one.node for one in of_node.names] == ["ingress016", "worker101"]


def test_the_key_and_who_answered_are_read_from_what_was_printed() -> None:
    key = "worker101".ljust(43, "A") + "="
    assert public_overlay_key(f"mesh vpn_ctrl\noverlay {key}\n") == key
    assert public_overlay_key("overlay not-a-key\n") is None
    assert reached_in_overlay("reached overlay worker101\nsilent overlay worker102\nreached vpn_ctrl x\n") == {
        "worker101"
    }


def test_instances_wait_for_what_carries_their_network() -> None:
    assert network_units("vpn_ingr") == ("tinc@vpn_ingr.service",)
    assert network_units("overlay") == ("wg-quick@flannel-wg.service", "flanneld.service")
    assert address_of("10.5.40.0/24") == "10.5.40.0"
