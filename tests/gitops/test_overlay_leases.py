"""flannel's protocol against a real etcd: flstr on one side, and on the other what flanneld does."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from executors.overlay_files import place
from gitops.overlay_leases import claim, configuration, drop, parse_leases, put_configuration, read_leases, subnet_of
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.networks import Overlay
from model.registered import OverlayLease, WireGuardEnd
from tests.gitops.flanneld import Flanneld, connect, key_of

OVERLAY = Overlay.model_validate({"network": "10.5.0.0/16"})
TINY = Overlay.model_validate({"network": "10.5.0.0/22"})


def lease(ip: str) -> OverlayLease:
    return OverlayLease(public_ip=ip, backend_data=WireGuardEnd(public_key=key_of(ip)))


@pytest.fixture
def client(etcd_endpoint: str) -> Any:
    return connect(etcd_endpoint)


def test_flanneld_reads_the_configuration(store: Store, client: Any) -> None:
    put_configuration(store, OVERLAY)
    assert Flanneld(client, "198.51.100.9").configuration() == {
        "Network": "10.5.0.0/16",
        "SubnetLen": 24,
        "Backend": {"Type": "wireguard", "ListenPort": 51820, "PersistentKeepaliveInterval": 25},
    }


def test_an_unchanged_configuration_is_not_written_again(store: Store) -> None:
    put_configuration(store, OVERLAY)
    _, before = store.changed("/coreos.com/", 0)
    put_configuration(store, OVERLAY)
    assert store.changed("/coreos.com/", 0)[1] == before


def test_both_sides_share_one_network_and_neither_takes_what_the_other_holds(store: Store, client: Any) -> None:
    put_configuration(store, OVERLAY)
    ours = claim(store, OVERLAY, lease("198.51.100.1"))
    theirs = Flanneld(client, "198.51.100.2")
    assert theirs.acquire() == "10.5.2.0/24"
    assert ours == "10.5.1.0/24"
    assert claim(store, OVERLAY, lease("198.51.100.3")) == "10.5.3.0/24"
    theirs.renew()
    assert claim(store, OVERLAY, lease("198.51.100.1")) == ours


def test_a_machine_whose_lease_is_gone_gets_its_subnet_again_where_it_is_free(store: Store) -> None:
    assert claim(store, OVERLAY, lease("198.51.100.1"), "10.5.40.0") == "10.5.40.0/24"
    assert claim(store, OVERLAY, lease("198.51.100.2"), "10.5.40.0") == "10.5.1.0/24"


def test_both_sides_have_the_same_peers(store: Store, client: Any) -> None:
    put_configuration(store, OVERLAY)
    claim(store, OVERLAY, lease("198.51.100.1"))
    flanneld = Flanneld(client, "198.51.100.2")
    flanneld.acquire()
    claim(store, OVERLAY, lease("198.51.100.3"))
    leases = Registry(store).read().leases
    of_flanneld = place("198.51.100.2", OVERLAY, leases, {})
    assert {(peer.key, peer.endpoint, peer.subnet) for peer in of_flanneld.peers} == flanneld.peers()
    of_ours = place("198.51.100.1", OVERLAY, leases, {})
    assert {peer.endpoint for peer in of_ours.peers} == {"198.51.100.2:51820", "198.51.100.3:51820"}


def test_flanneld_takes_over_the_subnet_that_flstr_gave_its_machine_and_the_other_way_round(
    store: Store, client: Any
) -> None:
    put_configuration(store, OVERLAY)
    first = claim(store, OVERLAY, lease("198.51.100.1"))
    assert Flanneld(client, "198.51.100.1").acquire() == first
    assert claim(store, OVERLAY, lease("198.51.100.1")) == first
    assert json.loads(store.get(keys.overlay_subnet(first)) or "")["BackendData"]["Port"] == 51820


def test_subnets_claimed_at_the_same_time_differ(store: Store) -> None:
    ips = [f"198.51.100.{number}" for number in range(1, 21)]
    with ThreadPoolExecutor(8) as pool:
        subnets = list(pool.map(lambda ip: claim(store, OVERLAY, lease(ip)), ips))
    assert len(set(subnets)) == len(ips)


def test_another_key_takes_the_place_of_the_old_one(store: Store) -> None:
    subnet = claim(store, OVERLAY, lease("198.51.100.1"))
    other = OverlayLease(public_ip="198.51.100.1", backend_data=WireGuardEnd(public_key=key_of("another")))
    assert claim(store, OVERLAY, other) == subnet
    assert read_leases(store) == {subnet: other}


def test_what_is_dropped_is_free_at_once(store: Store) -> None:
    first = claim(store, OVERLAY, lease("198.51.100.1"))
    drop(store, "198.51.100.1")
    assert claim(store, OVERLAY, lease("198.51.100.2")) == first


def test_a_network_without_room_says_so(store: Store) -> None:
    assert TINY.room() == 3
    for number in range(1, 4):
        claim(store, TINY, lease(f"198.51.100.{number}"))
    with pytest.raises(StepFailed, match=r"the overlay 10\.5\.0\.0/22 has no subnet left; give it a larger network"):
        claim(store, TINY, lease("198.51.100.4"))


@pytest.mark.parametrize(
    "value",
    [
        "not json",
        "{}",
        '{"PublicIP":"198.51.100.7","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"}}',
        '{"PublicIP":"198.51.100.7","BackendType":"wireguard","BackendData":{"PublicKey":7}}',
    ],
)
def test_a_lease_of_something_else_is_nobodys_peer_and_its_subnet_is_taken(store: Store, value: str) -> None:
    store.put(keys.overlay_subnet("10.5.1.0/24"), value)
    assert Registry(store).read().leases == {}
    assert claim(store, OVERLAY, lease("198.51.100.1")) == "10.5.2.0/24"


@pytest.mark.parametrize(
    ("subnet", "ip", "key"),
    [
        ("10.5.7.0/24", "198.51.100.7\nPostUp = reboot", key_of("x")),
        ("10.5.7.0/24", "198.51.100.7", "a\nPostUp = reboot"),
        ("10.9.7.0/24", "198.51.100.7", key_of("x")),
        ("0.0.0.0/0", "198.51.100.7", key_of("x")),
        ("10.5.40.0/255.255.255.0", "198.51.100.7", key_of("x")),
        ("10.5.40.0/0.0.0.255", "198.51.100.7", key_of("x")),
        ("10.5.41.0", "198.51.100.7", key_of("x")),
        ("10.5.41.0/32", "198.51.100.7", key_of("x")),
        ("10.5.40.7/24", "198.51.100.7", key_of("x")),
        ("10.5.0.0/16", "198.51.100.7", key_of("x")),
    ],
)
def test_what_a_stranger_wrote_does_not_become_a_line_of_a_configuration(subnet: str, ip: str, key: str) -> None:
    strange = OverlayLease(public_ip=ip, backend_data=WireGuardEnd(public_key=key))
    found = {subnet: strange, "10.5.1.0/24": lease("198.51.100.1")}
    of_node = place("198.51.100.2", OVERLAY, found, {"worker107": ip})
    assert [peer.subnet for peer in of_node.peers] == ["10.5.1.0/24"]
    assert of_node.names == ()


@pytest.mark.parametrize(
    ("ips", "kept"),
    [
        (("198.51.100.7", "198.51.100.8"), "10.5.7.0/24"),
        (("198.51.100.7", "198.51.100.1"), "10.5.8.0/24"),
        (("198.51.100.1", "198.51.100.2"), "10.5.7.0/24"),
    ],
    ids=["the first of two strangers", "a machine of the cluster before a stranger", "the first of two machines"],
)
def test_of_leases_with_one_key_one_is_a_peer(ips: tuple[str, str], kept: str) -> None:
    same = WireGuardEnd(public_key=key_of("x"))
    subnets = ("10.5.7.0/24", "10.5.8.0/24")
    found = {subnet: OverlayLease(public_ip=ip, backend_data=same) for subnet, ip in zip(subnets, ips, strict=True)} | {
        "10.5.9.0/24": lease("198.51.100.9")
    }
    nodes = {"worker101": "198.51.100.1", "worker102": "198.51.100.2", "worker103": "198.51.100.9"}
    of_node = place("198.51.100.9", OVERLAY, found, nodes)
    assert [peer.subnet for peer in of_node.peers] == [kept]
    assert of_node.subnet == "10.5.9.0/24"


def test_a_machine_is_found_by_its_public_address() -> None:
    found = {keys.overlay_subnet("10.5.4.0/24"): lease("198.51.100.4").to_json(), keys.OVERLAY_CONFIG: "{}"}
    assert subnet_of("198.51.100.4", parse_leases(found)) == "10.5.4.0/24"
    assert subnet_of("198.51.100.5", parse_leases(found)) is None
    assert json.loads(configuration(OVERLAY))["SubnetLen"] == 24


@pytest.mark.parametrize(
    "lease",
    [
        OverlayLease(public_ip="198.51.100.1\nPostUp = reboot", backend_data=WireGuardEnd(public_key=key_of("a"))),
        OverlayLease(public_ip="198.51.100.1", backend_data=WireGuardEnd(public_key="key=\nPostUp = reboot")),
        OverlayLease(public_ip="198.51.100.1", backend_data=WireGuardEnd(public_key=key_of("a"), port=-1)),
    ],
)
def test_what_could_be_more_than_an_address_or_a_key_is_no_lease(lease: OverlayLease) -> None:
    """A machine with flanneld writes there itself, and files of all machines are made of it."""
    assert parse_leases({keys.overlay_subnet("10.5.1.0/24"): lease.to_json()}) == {}


def test_what_is_no_subnet_has_no_lease() -> None:
    assert parse_leases({keys.overlay_subnet("10.5.1.0/24\n# "): lease("198.51.100.1").to_json()}) == {}
