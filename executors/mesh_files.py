"""What a machine holds of its meshes, worked out from the registry: files, peers, one script. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from executors.mesh_keys import fingerprint
from executors.templates import render
from gitops.networked import Members
from model.cluster import Cluster
from model.names import MeshName, NodeName, Role
from model.networks import Mesh
from model.registered import HostRecord, MeshMember, NodeRecord

TUNNEL_SECONDS = 60

_SERVICES: dict[Role, tuple[str, ...]] = {"worker": ("backend", "frontend")}


@dataclass(frozen=True)
class Tunnel:
    """A hub that has to answer through its mesh."""

    mesh: MeshName
    hub: NodeName
    address: str


@dataclass(frozen=True)
class End:
    """What `where`, a machine or etcd, has of a machine's key, as a fingerprint, and port."""

    mesh: MeshName
    node: NodeName
    key: str
    port: int
    where: str


@dataclass(frozen=True)
class Place:
    """A machine's place in one mesh. A hub's `peers` are all the others, a member's the hubs."""

    name: MeshName
    mesh: Mesh
    me: MeshMember
    peers: tuple[MeshMember, ...]

    def is_hub(self, member: MeshMember) -> bool:
        """Whether others connect to it."""
        return member.role in self.mesh.hubs

    def hubs(self) -> tuple[MeshMember, ...]:
        """The machines that this one connects to."""
        return tuple(peer for peer in self.peers if self.is_hub(peer))

    def told(self, compared: Collection[NodeName]) -> tuple[NodeName, ...]:
        """Of whom a machine tells what it holds: of itself, and of those peers that are to be compared."""
        return (self.me.node, *(peer.node for peer in self.peers if peer.node in compared))

    def subnets(self, member: MeshMember) -> tuple[str, ...]:
        """What this machine sends to `member`.

        Only the hubs know every address; a member sends what it does not know to any hub that is up. So a new member
        changes files on the hubs alone.
        """
        own = f"{member.address}/32"
        through_hub = self.is_hub(member) and not self.is_hub(self.me)
        return (own, str(self.mesh.subnet)) if through_hub else (own,)

    def folder(self) -> dict[str, str]:
        """The text files of `/etc/tinc/<mesh>`, by their path in it."""
        members = sorted((self.me, *self.peers), key=lambda member: member.node)
        hosts = {
            f"hosts/{member.node}": render(
                "mesh/host.j2", member=member, port=self.mesh.port, subnets=self.subnets(member)
            )
            for member in members
        }
        return {
            "tinc.conf": render("mesh/tinc.conf.j2", name=self.me.node, mesh=self.name, hubs=self.hubs()),
            "tinc-up": render("mesh/tinc-up.j2", address=self.me.address, prefix=self.mesh.subnet.prefixlen),
            "tinc-down": render("mesh/tinc-down.j2"),
            **hosts,
        }


def places(node: NodeName, cluster: Cluster, members: Members) -> tuple[Place, ...]:
    """A machine's place in each of its meshes, in order."""
    found = []
    for name, mesh in sorted(cluster.meshes.items()):
        of_mesh = members.get(name, {})
        if node in of_mesh:
            me = of_mesh[node]
            others = (of_mesh[other] for other in sorted(of_mesh) if other != node)
            peers = tuple(other for other in others if me.role in mesh.hubs or other.role in mesh.hubs)
            found.append(Place(name, mesh, me, peers))
    return tuple(found)


def hosts_lines(of_node: Sequence[Place]) -> str:
    """Lines for `/etc/hosts`: `worker101.vpn_ctrl`, and plain `worker101` in the first mesh that leads there."""
    lines = []
    known: set[NodeName] = set()
    for place in of_node:
        for member in sorted((place.me, *place.peers), key=lambda member: member.node):
            plain = "" if member.node in known else f" {member.node}"
            known.add(member.node)
            lines.append(f"{member.address} {member.node}.{place.name}{plain}\n")
    return "".join(lines)


def tunnels(of_node: Sequence[Place], up: Collection[NodeName]) -> tuple[Tunnel, ...]:
    """The tunnels that a machine should see working, where only machines in `up` can answer."""
    return tuple(
        Tunnel(place.name, hub.node, hub.address) for place in of_node for hub in place.hubs() if hub.node in up
    )


def mesh_script(
    of_node: Sequence[Place],
    await_tunnels: Sequence[Tunnel] = (),
    ends: Sequence[End] = (),
    compared: Collection[NodeName] = (),
    gone: Sequence[MeshName] = (),
    firewall: str = "",
) -> str:
    """Brings a machine's meshes to what they should be, and waits for tunnels; a second time it changes nothing.

    Before a daemon starts or is reloaded, the machine's own keys are compared with etcd's and with `ends`. It prints
    what it holds of itself and of `compared`, and stops the meshes that are `gone`. `firewall` is the machine's
    `firewall_script`.
    """
    return render(
        "mesh/apply.sh.j2",
        me=of_node[0].me.node if of_node else "",
        places=of_node,
        ends=[*_registered_ends(of_node), *ends],
        compared=compared,
        gone=gone,
        firewall=firewall,
        nets_boot="".join(f"{place.name}\n" for place in of_node),
        hosts_lines=hosts_lines(of_node),
        tunnels=await_tunnels,
        tunnel_seconds=TUNNEL_SECONDS,
    )


def held(output: str, where: NodeName) -> tuple[End, ...]:
    """What a machine holds of keys and ports, as `mesh_script` printed it."""
    words = (line.split() for line in output.splitlines())
    return tuple(
        End(line[1], line[2], line[3], int(line[4]), where)
        for line in words
        if len(line) == 5 and line[0] == "holds" and line[4].isascii() and line[4].isdigit()
    )


def _registered_ends(of_node: Sequence[Place]) -> tuple[End, ...]:
    return tuple(End(one.name, one.me.node, fingerprint(one.me), one.mesh.port, "etcd") for one in of_node)


def leaving_script(meshes: Sequence[MeshName]) -> str:
    """Stops a machine's meshes."""
    return render("mesh/leave.sh.j2", meshes=meshes)


def touched(nodes: Collection[NodeName], cluster: Cluster, members: Members) -> frozenset[NodeName]:
    """The others whose files change with these: the hubs of their meshes, and every member where one is a hub."""
    found: set[NodeName] = set()
    for node in nodes:
        for place in places(node, cluster, members):
            found.update(peer.node for peer in place.peers)
    return frozenset(found.difference(nodes))


def reached(output: str) -> frozenset[tuple[MeshName, NodeName]]:
    """The tunnels that work, as `mesh_script` printed them."""
    words = (line.split() for line in output.splitlines())
    return frozenset((line[1], line[2]) for line in words if len(line) == 3 and line[0] == "reached")


def node_record(
    host: HostRecord, role: Role, pool: str, of_node: Sequence[Place], before: NodeRecord | None = None
) -> NodeRecord:
    """What is registered of a machine that has joined; addresses that it has outside of these meshes stay."""
    kept = {} if before is None else before.addresses
    return NodeRecord(
        name=host.node,
        ip=host.ip or "",
        services=_SERVICES.get(role, (role,)),
        role=role,
        pool=pool,
        addresses={**kept, **{place.name: place.me.address for place in of_node}},
    )
