"""Meshes and overlay as nodes and links, from what the doctor saw. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

from executors.doctor.check import Seen
from executors.mesh_files import places
from gitops.networked import overlay_nodes
from model.cluster import Cluster
from model.names import NodeName, Role
from model.networks import OVERLAY
from model.registered import Registered

Ends = tuple[NodeName, NodeName]


class State(Enum):
    """How a machine or a tunnel is."""

    WELL = "up"
    ILL = "up, with a finding of the doctor's"
    DOWN = "down"


@dataclass(frozen=True)
class Node:
    """A machine in a network; others connect to a `hub`."""

    name: NodeName
    role: Role
    state: State
    hub: bool = False


@dataclass(frozen=True)
class Link:
    """A tunnel between two machines; `milliseconds` is None where nothing comes back."""

    ends: Ends
    state: State
    milliseconds: float | None = None


@dataclass(frozen=True)
class Network:
    """A mesh, which is a star around its hubs, or the overlay, where each talks to each."""

    name: str
    subnet: str
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def hubs(self) -> tuple[Node, ...]:
        """Those that the others connect to; none in the overlay."""
        return tuple(node for node in self.nodes if node.hub)

    @property
    def members(self) -> tuple[Node, ...]:
        """Those that connect to hubs, or all where there are none."""
        return tuple(node for node in self.nodes if not node.hub)

    def down(self) -> tuple[Link, ...]:
        """Tunnels that carry nothing between machines that are both up."""
        dead = {node.name for node in self.nodes if node.state is State.DOWN}
        return tuple(link for link in self.links if link.state is State.DOWN and not dead.intersection(link.ends))


def networks(cluster: Cluster, registered: Registered, seen: Seen) -> tuple[Network, ...]:
    """The meshes in order, then the overlay; one that nobody has joined is left out."""
    every = (
        *(_mesh(name, cluster, registered, seen) for name in sorted(cluster.meshes)),
        *_overlay(cluster, registered, seen),
    )
    return tuple(network for network in every if network.nodes)


def _mesh(name: str, cluster: Cluster, registered: Registered, seen: Seen) -> Network:
    mesh = cluster.meshes[name]
    members = registered.members.get(name, {})
    nodes = tuple(
        Node(node, member.role, _state(node, name, seen), member.role in mesh.hubs)
        for node, member in sorted(members.items())
    )
    of_nodes = {node: places(node, cluster, registered.members) for node in members}
    pairs = {
        _pair(node, hub.node)
        for node, of_node in of_nodes.items()
        for place in of_node
        if place.name == name
        for hub in place.hubs()
    }
    return Network(name, str(mesh.subnet), nodes, _links(name, pairs, seen))


def _overlay(cluster: Cluster, registered: Registered, seen: Seen) -> Iterator[Network]:
    if cluster.overlay is None:
        return
    names = sorted(overlay_nodes(cluster, registered))
    nodes = tuple(Node(node, registered.nodes[node].role, _state(node, OVERLAY, seen)) for node in names)
    yield Network(OVERLAY, str(cluster.overlay.network), nodes, _links(OVERLAY, set(combinations(names, 2)), seen))


def _state(node: NodeName, network: str, seen: Seen) -> State:
    if node not in seen.machines:
        return State.DOWN
    blamed = any(one.node == node and one.level == "error" and one.mesh in ("", network) for one in seen.found)
    return State.ILL if blamed else State.WELL


def _links(network: str, pairs: set[Ends], seen: Seen) -> tuple[Link, ...]:
    return tuple(_link(network, pair, seen) for pair in sorted(pairs))


def _link(network: str, ends: Ends, seen: Seen) -> Link:
    """The quicker of both directions: what is more is the machines' own time, not the way between them."""
    both = ((ends[0], ends[1]), (ends[1], ends[0]))
    reached = [
        seen.machines[near].reach[network, far].milliseconds
        for near, far in both
        if near in seen.machines and (network, far) in seen.machines[near].reach
    ]
    times = [time for time in reached if time is not None]
    if not times:
        return Link(ends, State.DOWN)
    ill = any({one.node, one.about} == set(ends) and one.mesh == network for one in seen.found)
    return Link(ends, State.ILL if ill or None in reached else State.WELL, min(times))


def _pair(one: NodeName, other: NodeName) -> Ends:
    return (one, other) if one < other else (other, one)
