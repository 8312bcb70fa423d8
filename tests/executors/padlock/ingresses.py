"""What is registered of ingresses on loopback, for looking at them."""

from collections.abc import Mapping

from model.registered import Registered
from tests.executors.padlock.authority import HOST


def registered(addresses: Mapping[str, str], ports: Mapping[str, tuple[int, bool]]) -> Registered:
    """Ingresses by name, and for each host a port and whether it has TLS."""
    node = {"services": [], "role": "ingress", "pool": "ingress"}
    return Registered.model_validate(
        {
            "nodes": {name: {**node, "name": name, "ip": address} for name, address in addresses.items()},
            "ingress": {
                f"{host}:{port}": {
                    "publish": {"port": port, "ssl": ssl, "host_name": host},
                    "location": [{"location": "/", "type": "frontend", "name": "shop"}],
                }
                for host, (port, ssl) in ports.items()
            },
        }
    )


def shop_at(addresses: Mapping[str, str], port: int) -> Registered:
    """One host with TLS."""
    return registered(addresses, {HOST: (port, True)})
