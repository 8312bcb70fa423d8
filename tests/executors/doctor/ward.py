"""Machines as a look at them prints them where nothing is wrong, and what the doctor finds once something is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from executors.doctor.diagnosis import diagnose
from executors.doctor.facts import Facts, LogLine, MeshFacts, OverlayFacts, WireGuardPeer, parse
from executors.doctor.findings import Finding, in_order
from executors.mesh_files import hosts_lines, places
from executors.mesh_keys import fingerprint
from executors.overlay_files import OVERLAY_DEVICE, address_of, driver_unit, place_of
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY, Flanneld, Overlay
from model.registered import NodeRecord, OverlayLease, Registered, WireGuardEnd
from tests.executors.clusters import cluster, members
from tests.executors.expected import FIXTURES

LOGS = FIXTURES / "doctor"
NOW = 1_700_000_000.0
MESH = "vpn_ingr"
HUB, OTHER_HUB, WORKER = "ingress016", "ingress017", "worker101"
# Those of the overlay.
ONE, OTHER, UNIT = "worker101", "worker102", "wg-quick@flannel-wg"


def key_of(node: NodeName) -> str:
    """Something of the shape of WireGuard's public key."""
    return node.ljust(43, "A") + "="


STRANGER = WireGuardPeer(key_of("stranger"), "192.0.2.9:51820", "10.5.99.0/24", NOW)


def log_of(name: str) -> tuple[LogLine, ...]:
    """The lines of a fixture, a moment ago."""
    return tuple(LogLine(NOW - 5, line) for line in Path(LOGS / name).read_text().splitlines())


def registered_of(of: Cluster) -> Registered:
    """Every machine joined, with a lease where its role has one."""
    in_meshes = members(of)
    leases: dict[str, OverlayLease] = {}
    nodes: dict[NodeName, NodeRecord] = {}
    for number, (node, pool) in enumerate(of.nodes().items(), start=1):
        addresses = {mesh: of_mesh[node].address for mesh, of_mesh in in_meshes.items() if node in of_mesh}
        ip = f"198.51.100.{number}"
        if of.has_overlay(pool.role):
            end = WireGuardEnd(public_key=key_of(node), port=51820)
            leases[f"10.5.{number}.0/24"] = OverlayLease(public_ip=ip, backend_data=end)
            addresses[OVERLAY] = f"10.5.{number}.0"
        nodes[node] = NodeRecord(name=node, ip=ip, services=(), role=pool.role, pool="", addresses=addresses)
    return Registered(nodes=nodes, members={mesh: dict(found) for mesh, found in in_meshes.items()}, leases=leases)


def printed(node: NodeName, of: Cluster, registered: Registered) -> str:
    """What the look at a machine prints where nothing is wrong with it."""
    of_node = places(node, of, registered.members)
    lines = [["now", str(NOW)], ["firewalld", "yes"]]
    names = hosts_lines(of_node)
    for place in of_node:
        address = f"{place.me.address}/{place.mesh.subnet.prefixlen}"
        lines += [
            ["unit", f"tinc@{place.name}", "yes", "yes"],
            ["device", place.name, address, "1500", str(place.mesh.subnet), "yes"],
            ["mesh", place.name, fingerprint(place.me), node, "yes", "yes"],
        ]
        for member in (place.me, *place.peers):
            subnets = ",".join(place.subnets(member))
            port = str(place.mesh.port)
            lines.append(["host", place.name, member.node, member.endpoint, port, subnets, fingerprint(member)])
        lines += [["reach", place.name, peer.node, "0.4", "yes", "answers"] for peer in place.peers]
    if of.overlay is not None and OVERLAY in registered.nodes[node].addresses:
        of_overlay = place_of(node, of.overlay, registered)
        names += of_overlay.hosts_lines
        lines += [
            ["device", OVERLAY_DEVICE, f"{of_overlay.address}/32", "1420", str(of.overlay.network), "yes"],
            ["overlay", "1500", "yes"],
            ["unit", driver_unit(of.overlay), "yes", "yes"],
            ["wireguard", key_of(node), "51820"],
        ]
        lines += [["wgpeer", one.key, one.endpoint, one.subnet, str(NOW - 30)] for one in of_overlay.peers]
        lines += [["reach", OVERLAY, one.node, "0.6", "yes", "answers"] for one in of_overlay.names if one.node != node]
    lines += [["name", line] for line in names.splitlines()]
    return "".join("\t".join(line) + "\n" for line in [*lines, ["end"]])


@dataclass(frozen=True)
class Ward:
    """A cluster, and what was seen of its machines."""

    cluster: Cluster
    registered: Registered
    seen: Mapping[NodeName, Facts]
    silent: Mapping[NodeName, str]

    def found(self) -> list[Finding]:
        """The findings as a person reads them, worst first."""
        return in_order(diagnose(self.cluster, self.registered, self.seen, self.silent))

    def texts(self) -> list[str]:
        return [one.text for one in self.found()]

    def having(self, node: NodeName, **changes: Any) -> "Ward":
        """Where a machine was seen otherwise."""
        return replace(self, seen={**self.seen, node: replace(self.seen[node], **changes)})

    def in_mesh(self, node: NodeName, mesh: str = MESH, **changes: Any) -> "Ward":
        """Where its end of a mesh was."""
        return self.having(node, meshes={**self.seen[node].meshes, mesh: replace(self.mesh(node, mesh), **changes)})

    def in_overlay(self, node: NodeName, **changes: Any) -> "Ward":
        """Where its end of the overlay was."""
        return self.having(node, overlay=replace(self.overlay(node), **changes))

    def logging(self, node: NodeName, *lines: str, ago: float = 5.0, mesh: str = MESH) -> "Ward":
        """Where its tincd said these lines."""
        before = self.mesh(node, mesh).log
        return self.in_mesh(node, mesh, log=(*before, *(LogLine(NOW - ago, line) for line in lines)))

    def with_file(self, node: NodeName, about: NodeName, **changes: Any) -> "Ward":
        """Where its host file of another one was."""
        hosts = self.mesh(node).hosts
        return self.in_mesh(node, hosts={**hosts, about: replace(hosts[about], **changes)})

    def without_file(self, node: NodeName, about: NodeName) -> "Ward":
        """Where it had no host file of another one."""
        return self.in_mesh(node, hosts={one: file for one, file in self.mesh(node).hosts.items() if one != about})

    def unreached(self, node: NodeName, about: NodeName, network: str = MESH, **changes: Any) -> "Ward":
        """Where the other one did not answer it, or not everything."""
        reach = self.seen[node].reach
        worse = replace(reach[network, about], **(changes or {"milliseconds": None}))
        return self.having(node, reach={**reach, (network, about): worse})

    def dead(self, node: NodeName) -> "Ward":
        """Where a machine was not reached by SSH, and by no other one."""
        seen = {name: facts for name, facts in self.seen.items() if name != node}
        ward = replace(self, seen=seen, silent={**self.silent, node: "no SSH connection"})
        for name, facts in seen.items():
            for network, about in facts.reach:
                if about == node:
                    ward = ward.unreached(name, about, network)
        return ward

    def mesh(self, node: NodeName, mesh: str = MESH) -> MeshFacts:
        return self.seen[node].meshes[mesh]

    def overlay(self, node: NodeName) -> OverlayFacts:
        overlay = self.seen[node].overlay
        assert overlay is not None
        return overlay


def well(of: Cluster | None = None, but: Collection[NodeName] = ()) -> Ward:
    """All machines of a cluster, the three of one mesh if no other is named, with nothing wrong."""
    of = of or cluster("three-machines")
    registered = registered_of(of)
    seen = {node: parse(printed(node, of, registered)) for node in of.nodes() if node not in but}
    return Ward(of, registered, seen, {})


def in_overlay() -> Ward:
    """Three machines of four in the overlay, nothing wrong."""
    return well(cluster("overlay"))


def by_flanneld() -> Ward:
    """The same, with the other driver."""
    of = cluster("overlay")
    driver = Flanneld(url="https://example.com/flanneld", sha256="0" * 64, etcd=("http://10.110.0.1:2379",))
    assert of.overlay is not None
    overlay = Overlay(network=of.overlay.network, driver="flanneld", flanneld=driver)
    return well(of.model_copy(update={"overlay": overlay}))


def without_lease(ward: Ward, subnet: str, **put: OverlayLease) -> Ward:
    """Where a lease is gone, and others may be there."""
    leases = {one: lease for one, lease in ward.registered.leases.items() if one != subnet}
    return replace(ward, registered=ward.registered.model_copy(update={"leases": {**leases, **put}}))


def subnet_of(node: NodeName, ward: Ward) -> str:
    """The subnet that a machine holds."""
    address = ward.registered.nodes[node].addresses[OVERLAY]
    return next(subnet for subnet in ward.registered.leases if address_of(subnet) == address)
