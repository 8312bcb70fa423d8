"""How far each machine is what would be written there: what is, is noted, and the plan leaves it alone. Pure."""

import hashlib
from collections.abc import Iterator, Mapping

from executors.adopting.facts import Facts
from executors.firewall import ZONES_FOLDER, zone_file
from executors.mesh_files import hosts_lines, places
from executors.nginx_files import NGINX_CONFIG
from executors.overlay_files import DRIVER_UNITS, place_of, wireguard_files
from executors.routing_files import HAPROXY_CONFIG, routing_files
from gitops.firewall import firewall_digest, zones_of
from gitops.networked import mesh_digest, overlay_digest
from gitops.routed import ROUTING_ROLES, routing_digest
from model import keys
from model.cluster import Cluster
from model.errors import StepFailed
from model.names import NodeName
from model.networks import OVERLAY
from model.registered import Registered


def digest_keys(cluster: Cluster, registered: Registered, facts: Mapping[NodeName, Facts]) -> dict[str, str]:
    """The notes of all that is up to date. What is not, or was changed and not yet reloaded, has none."""
    return {
        key: value
        for node, said in sorted(facts.items())
        if node in registered.nodes and not said.pending
        for key, value in _of_machine(node, cluster, registered, said)
    }


def _of_machine(node: NodeName, cluster: Cluster, registered: Registered, said: Facts) -> Iterator[tuple[str, str]]:
    if _is_meshed(node, cluster, registered, said):
        yield keys.meshed(node), mesh_digest(node, cluster, registered.members)
    if _is_overlaid(node, cluster, registered, said):
        yield keys.overlaid(node), overlay_digest(cluster, registered.leases)
    zones = {f"{ZONES_FOLDER}/{zone.name}.xml": zone_file(zone) for zone in zones_of(node, cluster, registered)}
    if "firewalld.service" in said.active and zones and _has(said, zones, f"{ZONES_FOLDER}/"):
        yield keys.walled(node), firewall_digest(node, cluster, registered)
    if _is_routed(node, registered, said):
        yield keys.routed(node), routing_digest(registered, node)


def _is_meshed(node: NodeName, cluster: Cluster, registered: Registered, said: Facts) -> bool:
    of_node = places(node, cluster, registered.members)
    wanted = {f"/etc/tinc/{place.name}/{path}": text for place in of_node for path, text in place.folder().items()}
    running = all(f"tinc@{place.name}.service" in said.active for place in of_node)
    return bool(of_node) and running and _has(said, wanted, "/etc/tinc/") and _knows(said, "mesh", hosts_lines(of_node))


def _is_overlaid(node: NodeName, cluster: Cluster, registered: Registered, said: Facts) -> bool:
    overlay = cluster.overlay
    if overlay is None or overlay.driver != "wireguard" or OVERLAY not in registered.nodes[node].addresses:
        return False
    of_node = place_of(node, overlay, registered)
    running = f"{DRIVER_UNITS[overlay.driver]}.service" in said.active
    has = of_node.subnet is not None and _has(said, wireguard_files(of_node), "/etc/wireguard/")
    return running and has and _knows(said, OVERLAY, of_node.hosts_lines)


def _is_routed(node: NodeName, registered: Registered, said: Facts) -> bool:
    if registered.nodes[node].role not in ROUTING_ROLES:
        return False
    try:
        files = routing_files(registered, node, said.certificates.keys())
    except StepFailed:
        return False
    wanted, units = {HAPROXY_CONFIG: files.haproxy}, {"haproxy.service"}
    if files.nginx is not None:
        wanted[NGINX_CONFIG] = files.nginx
        units.add("nginx.service")
    return units <= said.active and _has(said, wanted)


def _has(said: Facts, wanted: Mapping[str, str], folder: str = "") -> bool:
    """Whether a machine has these files as they would be written, and no others in the folder."""
    there = {path for path in said.files if folder and path.startswith(folder)}
    return there <= wanted.keys() and all(said.files.get(path) == _sum(text) for path, text in wanted.items())


def _knows(said: Facts, block: str, lines: str) -> bool:
    """Whether a block of `/etc/hosts` has just these lines."""
    return said.files.get(f"/etc/hosts#{block}") == _sum(lines)


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
