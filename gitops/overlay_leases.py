"""flannel's protocol in etcd: the network's configuration, and a lease of one subnet for each machine.

A machine is known by its public address. What flstr writes has no etcd lease on its key, which flannel calls a
reservation; see flannel's Documentation/reservations.md. flanneld reads both, and never claims a subnet that is there.
"""

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network

from pydantic import ValidationError

from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.networks import Overlay
from model.registered import OverlayLease

KEEPALIVE_SECONDS = 25
_WORD = re.compile(r"[A-Za-z0-9+/=_.-]{1,100}")


def configuration(overlay: Overlay) -> str:
    """What flanneld reads before anything else."""
    backend = {
        "Type": "wireguard",
        "ListenPort": overlay.port,
        "PersistentKeepaliveInterval": KEEPALIVE_SECONDS,
    }
    return json.dumps({"Network": str(overlay.network), "SubnetLen": overlay.subnet_length, "Backend": backend})


def put_configuration(store: Store, overlay: Overlay) -> None:
    """Write the configuration, where it differs."""
    wanted = configuration(overlay)
    if store.get(keys.OVERLAY_CONFIG) != wanted:
        store.put(keys.OVERLAY_CONFIG, wanted)


def parse_leases(found: Mapping[str, str]) -> dict[str, OverlayLease]:
    """The leases of WireGuard by subnet; what another backend wrote there is nobody's peer.

    A machine with flanneld writes there itself, so what could be more than an address or a key in files that are made
    of it is left out.
    """
    leases = {}
    for key, value in sorted(found.items()):
        if not key.startswith(keys.OVERLAY_SUBNETS):
            continue
        try:
            lease = OverlayLease.model_validate_json(value)
        except ValidationError:
            continue
        subnet = key.removeprefix(keys.OVERLAY_SUBNETS).replace("-", "/")
        if lease.backend_type == "wireguard" and _is_sound(subnet, lease):
            leases[subnet] = lease
    return leases


def _is_sound(subnet: str, lease: OverlayLease) -> bool:
    try:
        IPv4Network(subnet)
        IPv4Address(lease.public_ip)
    except ValueError:
        return False
    return _WORD.fullmatch(lease.backend_data.public_key) is not None and 0 < lease.backend_data.port < 65536


def read_leases(store: Store) -> dict[str, OverlayLease]:
    """The leases as they are now."""
    return parse_leases(store.prefix(keys.OVERLAY_SUBNETS))


def subnet_of(public_ip: str, leases: Mapping[str, OverlayLease]) -> str | None:
    """The subnet that a machine holds, or None."""
    return next((subnet for subnet, lease in leases.items() if lease.public_ip == public_ip), None)


def lease_of(public_ip: str, leases: Mapping[str, OverlayLease]) -> OverlayLease | None:
    """What a machine holds, or None."""
    return next((lease for lease in leases.values() if lease.public_ip == public_ip), None)


def claim(store: Store, overlay: Overlay, lease: OverlayLease, address: str | None = None) -> str:
    """The subnet that a machine holds with this key; a free one is claimed on first asking.

    A machine whose lease is gone gets the subnet of its `address` again, where that is free.
    """
    while True:
        found = store.prefix(keys.OVERLAY_SUBNETS)
        mine = subnet_of(lease.public_ip, parse_leases(found))
        if mine is not None:
            if found[keys.overlay_subnet(mine)] != lease.to_json():
                store.put(keys.overlay_subnet(mine), lease.to_json())
            return mine
        free = _free(overlay, found, address)
        if free is None:
            raise StepFailed(f"the overlay {overlay.network} has no subnet left; give it a larger network")
        if store.put_new(keys.overlay_subnet(free), lease.to_json()):
            return free


def drop(store: Store, public_ip: str) -> None:
    """Give back what a machine holds."""
    leases = read_leases(store)
    store.delete(*(keys.overlay_subnet(subnet) for subnet, lease in leases.items() if lease.public_ip == public_ip))


def _free(overlay: Overlay, found: Mapping[str, str], address: str | None) -> str | None:
    subnets = overlay.network.subnets(new_prefix=overlay.subnet_length)
    next(subnets)  # flannel leaves out the first one
    before = () if address is None else (f"{address}/{overlay.subnet_length}",)
    return next((str(one) for one in (*before, *subnets) if keys.overlay_subnet(str(one)) not in found), None)
