"""flannel's protocol against a real etcd: flstr on one side, and on the other what flanneld does."""

import json
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from typing import Any

import etcd3
import pytest

from executors.overlay_files import place
from gitops.overlay_leases import claim, configuration, drop, parse_leases, put_configuration, read_leases, subnet_of
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.cluster import Overlay
from model.errors import StepFailed
from model.registered import OverlayLease, WireGuardEnd

OVERLAY = Overlay.model_validate({"network": "10.5.0.0/16"})
TINY = Overlay.model_validate({"network": "10.5.0.0/22"})


def key_of(ip: str) -> str:
    """Something of the shape of WireGuard's public key."""
    return f"{ip.replace('.', '')}".ljust(43, "A") + "="


def lease(ip: str) -> OverlayLease:
    return OverlayLease(public_ip=ip, backend_data=WireGuardEnd(public_key=key_of(ip)))


class Flanneld:
    """flanneld 0.18 and later, as far as etcd sees it: `pkg/subnet/etcd` and the WireGuard backend."""

    def __init__(self, client: Any, ip: str) -> None:
        self.client = client
        self.ip = ip
        self.subnet: str | None = None

    def configuration(self) -> dict[str, Any]:
        raw, _ = self.client.get("/coreos.com/network/config")
        found: dict[str, Any] = json.loads(raw)
        return found

    def acquire(self) -> str:
        """Its own lease by PublicIP, else a free subnet by a transaction, held for a day."""
        leases = self.leases()
        mine = [subnet for subnet, value in leases.items() if value["PublicIP"] == self.ip]
        if mine:
            self.subnet = mine[0]
            self.renew()
            return mine[0]
        config = self.configuration()
        subnets = list(IPv4Network(config["Network"]).subnets(new_prefix=config["SubnetLen"]))[1:]
        free = next(str(subnet) for subnet in subnets if str(subnet) not in leases)
        held = self.client.lease(24 * 3600)
        key = self.key(free)
        claimed, _ = self.client.transaction(
            compare=[self.client.transactions.version(key) == 0],
            success=[self.client.transactions.put(key, self.value(), held)],
            failure=[],
        )
        assert claimed
        self.subnet = free
        return free

    def renew(self) -> None:
        """A new grant, and the value put with it."""
        assert self.subnet is not None
        self.client.put(self.key(self.subnet), self.value(), self.client.lease(24 * 3600))

    def peers(self) -> set[tuple[str, str, str]]:
        """Public key, endpoint and subnet of every other lease, as its backend adds them."""
        return {
            (value["BackendData"]["PublicKey"], f"{value['PublicIP']}:{value['BackendData']['Port']}", subnet)
            for subnet, value in self.leases().items()
            if value["PublicIP"] != self.ip and value["BackendType"] == "wireguard"
        }

    def leases(self) -> dict[str, Any]:
        prefix = "/coreos.com/network/subnets/"
        found = self.client.get_prefix(prefix)
        return {meta.key.decode().removeprefix(prefix).replace("-", "/"): json.loads(raw) for raw, meta in found}

    def value(self) -> str:
        end = {"PublicKey": key_of(self.ip), "Port": self.configuration()["Backend"]["ListenPort"]}
        return json.dumps({"PublicIP": self.ip, "PublicIPv6": None, "BackendType": "wireguard", "BackendData": end})

    @staticmethod
    def key(subnet: str) -> str:
        return f"/coreos.com/network/subnets/{subnet.replace('/', '-')}"


@pytest.fixture
def client(etcd_endpoint: str) -> Any:
    host, _, port = etcd_endpoint.removeprefix("http://").partition(":")
    return etcd3.client(host=host, port=int(port))


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
    ],
)
def test_what_a_stranger_wrote_does_not_become_a_line_of_a_configuration(subnet: str, ip: str, key: str) -> None:
    strange = OverlayLease(public_ip=ip, backend_data=WireGuardEnd(public_key=key))
    found = {subnet: strange, "10.5.1.0/24": lease("198.51.100.1")}
    of_node = place("198.51.100.2", OVERLAY, found, {"worker107": ip})
    assert [peer.subnet for peer in of_node.peers] == ["10.5.1.0/24"]
    assert of_node.names == ()


def test_a_machine_is_found_by_its_public_address() -> None:
    found = {keys.overlay_subnet("10.5.4.0/24"): lease("198.51.100.4").to_json(), keys.OVERLAY_CONFIG: "{}"}
    assert subnet_of("198.51.100.4", parse_leases(found)) == "10.5.4.0/24"
    assert subnet_of("198.51.100.5", parse_leases(found)) is None
    assert json.loads(configuration(OVERLAY))["SubnetLen"] == 24
