"""What a machine holds of the overlay, worked out from the leases: device, peers, names, one script. Pure."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from executors.templates import render
from gitops.overlay_leases import KEEPALIVE_SECONDS, subnet_of
from model import keys
from model.names import MeshName, NodeName
from model.networks import OVERLAY, Flanneld, Overlay
from model.registered import OverlayLease, Registered

# As flanneld calls it.
OVERLAY_DEVICE = "flannel-wg"
REACH_SECONDS = 20
LEASE_SECONDS = 60

OVERLAY_FILES = {
    "device": OVERLAY_DEVICE,
    "key_file": f"/etc/wireguard/{OVERLAY_DEVICE}.key",
    "conf_file": f"/etc/wireguard/{OVERLAY_DEVICE}.conf",
    "up_file": f"/etc/wireguard/{OVERLAY_DEVICE}.up",
    "peers_file": f"/etc/wireguard/{OVERLAY_DEVICE}.peers",
    "flanneld_binary": "/usr/local/sbin/flanneld",
    "flanneld_unit": "/etc/systemd/system/flanneld.service",
}

DRIVER_UNITS = {"wireguard": f"wg-quick@{OVERLAY_DEVICE}", "flanneld": "flanneld"}

_PRINTED_KEY = re.compile(r"^overlay ([A-Za-z0-9+/]{43}=)$", re.MULTILINE)
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True)
class Peer:
    """Another machine: WireGuard's public key, where it is reached, and what is sent to it."""

    key: str
    endpoint: str
    subnet: str


@dataclass(frozen=True)
class Named:
    """A machine and its address in the overlay, which is the first one of its subnet."""

    node: NodeName
    address: str


@dataclass(frozen=True)
class OverlayPlace:
    """A machine's place in the overlay; `subnet` is None until flanneld has claimed one."""

    overlay: Overlay
    ip: str
    subnet: str | None
    peers: tuple[Peer, ...]
    names: tuple[Named, ...]
    meshes: tuple[MeshName, ...] = ()

    @property
    def address(self) -> str:
        """The machine's own address."""
        return "" if self.subnet is None else address_of(self.subnet)

    @property
    def hosts_lines(self) -> str:
        """Lines for `/etc/hosts`, such as `10.5.40.0 worker101.overlay`."""
        return "".join(f"{one.address} {one.node}.{OVERLAY}\n" for one in self.names)


def address_of(subnet: str) -> str:
    """`10.5.40.0` of `10.5.40.0/24`: what flanneld gives to its device."""
    return subnet.partition("/")[0]


def place(
    ip: str,
    overlay: Overlay,
    leases: Mapping[str, OverlayLease],
    nodes: Mapping[NodeName, str],
    meshes: Sequence[MeshName] = (),
) -> OverlayPlace:
    """The place of the machine with this public address; `nodes` are the public addresses of all."""
    known = {known_ip: node for node, known_ip in nodes.items()}
    within = leases_in_use(leases, overlay, known)
    peers = tuple(
        Peer(lease.backend_data.public_key, f"{lease.public_ip}:{lease.backend_data.port}", subnet)
        for subnet, lease in within.items()
        if lease.public_ip != ip
    )
    names = tuple(
        Named(known[lease.public_ip], address_of(subnet))
        for subnet, lease in within.items()
        if lease.public_ip in known
    )
    return OverlayPlace(overlay, ip, subnet_of(ip, within), peers, names, tuple(meshes))


def leases_in_use(
    leases: Mapping[str, OverlayLease], overlay: Overlay, known: Container[str]
) -> dict[str, OverlayLease]:
    """The leases that become peers, in order; `known` are the public addresses of the cluster's machines.

    WireGuard knows a peer by its key alone. So a key has one lease: that of a machine of the cluster if there is one,
    such as one that has moved and whose old lease is there still, and the first one of several.
    """
    of_key: dict[str, str] = {}
    sound = [(subnet, lease) for subnet, lease in sorted(leases.items()) if is_sound(subnet, lease, overlay)]
    for subnet, lease in sorted(sound, key=lambda one: one[1].public_ip not in known):
        of_key.setdefault(lease.backend_data.public_key, subnet)
    return {subnet: lease for subnet, lease in sound if of_key[lease.backend_data.public_key] == subnet}


def place_of(node: NodeName, overlay: Overlay, registered: Registered) -> OverlayPlace:
    """The place of a registered machine."""
    nodes = {name: record.ip for name, record in registered.nodes.items()}
    meshes = sorted(registered.nodes[node].addresses.keys() - {OVERLAY})
    return place(registered.nodes[node].ip, overlay, registered.leases, nodes, meshes)


def driver_unit(overlay: Overlay) -> str:
    """The unit that carries the overlay, which is also the mark that it has to begin anew."""
    return DRIVER_UNITS[overlay.driver]


def overlay_script(of_node: OverlayPlace, reach: Sequence[Named] = (), firewall: str = "") -> str:
    """Brings a machine's overlay to what it should be, and waits for others; a second time it changes nothing.

    `firewall` is the machine's `firewall_script`.
    """
    common = {
        **OVERLAY_FILES,
        "firewall": firewall,
        "hosts_lines": of_node.hosts_lines,
        "address": of_node.address,
        "reach": reach,
        "reach_seconds": REACH_SECONDS,
    }
    if of_node.overlay.driver == "flanneld" and of_node.overlay.flanneld is not None:
        return _flanneld_script(of_node, of_node.overlay.flanneld, common)
    return _wireguard_script(of_node, common)


def overlay_key_script() -> str:
    """Makes a machine's key if it has none, and prints the public half."""
    return render("overlay/keys.sh.j2", **OVERLAY_FILES)


def public_overlay_key(output: str) -> str | None:
    """The key in what `overlay_key_script` printed."""
    match = _PRINTED_KEY.search(output)
    return None if match is None else match[1]


def leaving_overlay_script() -> str:
    """Stops a machine's overlay, whichever driver it has."""
    return render("overlay/leave.sh.j2", **OVERLAY_FILES)


def reached_in_overlay(output: str) -> frozenset[NodeName]:
    """Who answered, as `overlay_script` printed it."""
    words = (line.split() for line in output.splitlines())
    return frozenset(line[2] for line in words if len(line) == 3 and line[:2] == ["reached", OVERLAY])


def wireguard_files(of_node: OverlayPlace) -> dict[str, str]:
    """What WireGuard's device is made from on a machine, by path."""
    network, subnet = of_node.overlay.network, IPv4Network(of_node.subnet or of_node.overlay.network)
    device = {"address": of_node.address, "port": of_node.overlay.port}
    gateway = f"{subnet.network_address + 1}/{subnet.prefixlen}"
    return {
        OVERLAY_FILES["conf_file"]: render("overlay/device.conf.j2", **OVERLAY_FILES, **device),
        OVERLAY_FILES["up_file"]: render("overlay/up.sh.j2", **OVERLAY_FILES, network=network, gateway=gateway),
        OVERLAY_FILES["peers_file"]: render("overlay/peers.conf.j2", peers=of_node.peers, keepalive=KEEPALIVE_SECONDS),
    }


def _wireguard_script(of_node: OverlayPlace, common: Mapping[str, object]) -> str:
    files = wireguard_files(of_node)
    return render(
        "overlay/apply-wireguard.sh.j2",
        **common,
        peers=of_node.peers,
        keepalive=KEEPALIVE_SECONDS,
        conf=files[OVERLAY_FILES["conf_file"]],
        up=files[OVERLAY_FILES["up_file"]],
        peers_conf=files[OVERLAY_FILES["peers_file"]],
    )


def _flanneld_script(of_node: OverlayPlace, flanneld: Flanneld, common: Mapping[str, object]) -> str:
    prefix = keys.OVERLAY_CONFIG.rpartition("/")[0]
    about = {"flanneld": flanneld, "ip": of_node.ip, "prefix": prefix, "meshes": of_node.meshes}
    unit = render("overlay/flanneld.service.j2", **OVERLAY_FILES, **about)
    return render(
        "overlay/apply-flanneld.sh.j2",
        **common,
        flanneld=flanneld,
        flanneld_unit_file=unit,
        lease_seconds=LEASE_SECONDS,
    )


def is_sound(subnet: str, lease: OverlayLease, overlay: Overlay) -> bool:
    """Others write leases too: what is no address or no key does not become one line of a configuration, and nobody
    gets what is not one machine's subnet, as it is written for WireGuard."""
    try:
        IPv4Address(lease.public_ip)
        network = IPv4Network(subnet)
    except ValueError:
        return False
    one_machines = network.subnet_of(overlay.network) and network.prefixlen == overlay.subnet_length
    end = lease.backend_data
    is_end = _KEY.fullmatch(end.public_key) is not None and 0 < end.port < 65536
    return str(network) == subnet and one_machines and is_end
