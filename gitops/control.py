"""What the controllers have to know of each other. Pure."""

import hashlib

from model.names import NodeName
from model.registered import Registered

CLIENT_PORT = 2379


def etcd_endpoints(registered: Registered, first: NodeName | None = None) -> tuple[str, ...]:
    """The cluster's etcd, as its machines reach it: the member on `first` before all others."""
    members = sorted(registered.etcd_members.values(), key=lambda member: (member.node != first, member.node))
    return tuple(f"https://{member.address}:{CLIENT_PORT}" for member in members)


def control_digest(registered: Registered) -> str:
    """Sixteen digits that name the members that a controller was told of."""
    return hashlib.sha256(" ".join(etcd_endpoints(registered)).encode()).hexdigest()[:16]


def installed_as(version: str, registered: Registered) -> str:
    """What is noted of a controller that was installed: its version, and which members it was told of."""
    return f"{version} {control_digest(registered)}"


def wrongly_installed(registered: Registered) -> tuple[NodeName, ...]:
    """Members without flstr, or whose flstr knows other members than there are."""
    digest = control_digest(registered)
    return tuple(
        node
        for node in sorted(registered.etcd_members)
        if registered.installed.get(node, "").partition(" ")[2] != digest
    )
