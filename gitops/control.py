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
