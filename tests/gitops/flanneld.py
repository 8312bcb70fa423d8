"""flanneld's side of its protocol in etcd, played in Python: no flanneld can be had where these tests run."""

import json
from ipaddress import IPv4Network
from typing import Any

import etcd3


def connect(endpoint: str) -> Any:
    """A client of etcd that is not flstr's."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    return etcd3.client(host=host, port=int(port))


def key_of(ip: str) -> str:
    """Something of the shape of WireGuard's public key."""
    return f"{ip.replace('.', '')}".ljust(43, "A") + "="


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
