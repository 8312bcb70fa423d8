"""What the cloud has under a cluster's label; asked, and nothing changed."""

from ipaddress import IPv4Address

from hcloud.servers import BoundServer

from executors.adopting.survey import Inventory, Server
from executors.cloud import CloudSettings, client_of
from executors.cloud_errors import in_words
from executors.records.records import Records
from model.errors import StepFailed


def take_inventory(settings: CloudSettings, cluster: str) -> Inventory:
    """Servers, floating IPs and names. Raises `StepFailed` with one sentence."""
    client, selector = client_of(settings), f"cluster={cluster}"
    with in_words("looking for the cluster's servers"):
        servers = client.servers.get_all(label_selector=selector)
    with in_words("looking for the cluster's floating IPs"):
        floating = client.floating_ips.get_all(label_selector=selector)
    by_id = {server.id: str(server.name) for server in servers}
    return Inventory(
        tuple(map(_server, sorted(servers, key=lambda one: str(one.name)))),
        {
            str(one.name): (IPv4Address(str(one.ip)), None if one.server is None else by_id.get(one.server.id))
            for one in floating
            if one.type == "ipv4"
        },
        Records(settings, cluster).ours(),
    )


def _server(found: BoundServer) -> Server:
    ip = found.public_net.ipv4.ip if found.public_net and found.public_net.ipv4 else None
    if ip is None:
        raise StepFailed(f"{found.name}: server {found.id} has no public IPv4 address; flstr needs one")
    labels = found.labels or {}
    return Server(str(found.name), int(found.id or 0), str(ip), labels.get("pool", ""), labels.get("host-key", ""))
