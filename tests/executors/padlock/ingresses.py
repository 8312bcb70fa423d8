"""What is registered of ingresses on loopback, for looking at them."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from model.registered import FloatingRecord, Registered
from tests.executors.padlock.authority import HOST


def registered(addresses: Mapping[str, str], ports: Mapping[str, tuple[int, bool]]) -> Registered:
    """Ingresses by name, and for each host a port and whether it has TLS."""
    node = {"services": [], "role": "ingress", "pool": "ingress"}
    return Registered.model_validate(
        {
            "nodes": {name: {**node, "name": name, "ip": address} for name, address in addresses.items()},
            "ingress": {
                f"{host}:{port}": {
                    "publish": {"port": port, "ssl": ssl, "host_name": host, "hsts": ssl},
                    "location": [{"location": "/", "type": "frontend", "name": "shop"}],
                }
                for host, (port, ssl) in ports.items()
            },
        }
    )


def shop_at(addresses: Mapping[str, str], port: int) -> Registered:
    """One host with TLS."""
    return registered(addresses, {HOST: (port, True)})


def holding(tree: Registered, node: str, **floating: str) -> Registered:
    """The same, where a machine holds floating IPs, by name."""
    held = {name: FloatingRecord(ip=IPv4Address(address), node=node) for name, address in floating.items()}
    return tree.model_copy(update={"floating_ips": {**tree.floating_ips, **held}})


def served_at(tree: Registered, host: str, *nodes: str) -> Registered:
    """The same, where these machines alone serve a host."""
    ingress = {
        key: one.model_copy(update={"nodes": nodes} if one.publish.host_name == host else {})
        for key, one in tree.ingress.items()
    }
    return tree.model_copy(update={"ingress": ingress})


def without_hsts(tree: Registered) -> Registered:
    """The same, where no host is meant to send HSTS."""
    ingress = {
        key: one.model_copy(update={"publish": one.publish.model_copy(update={"hsts": False})})
        for key, one in tree.ingress.items()
    }
    return tree.model_copy(update={"ingress": ingress})
