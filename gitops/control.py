"""Where the cluster's etcd is, and who carries it. Pure."""

import hashlib

from gitops.firewall import ETCD_PEER_PORT, ETCD_PORT
from model.names import NodeName
from model.registered import EtcdMember, Registered


def client_address(address: str) -> str:
    """Where clients reach the member at an address of the controllers' mesh."""
    return f"https://{address}:{ETCD_PORT}"


def peer_address(address: str) -> str:
    """Where the other members reach it."""
    return f"https://{address}:{ETCD_PEER_PORT}"


def is_bootstrapped(registered: Registered) -> bool:
    """Whether the controllers carry etcd and flstr themselves."""
    return bool(registered.etcd_members)


def full_members(registered: Registered) -> dict[NodeName, EtcdMember]:
    """The members that have their vote; one without an id is still being added."""
    return {node: member for node, member in sorted(registered.etcd_members.items()) if member.member_id}


def etcd_endpoints(registered: Registered, first: NodeName = "") -> tuple[str, ...]:
    """Where etcd is reached through the controllers' mesh; a controller that is `first` asks its own member first."""
    members = full_members(registered)
    order = sorted(members, key=lambda node: (node != first, node))
    return tuple(client_address(members[node].address) for node in order)


def control_digest(registered: Registered) -> str:
    """Sixteen digits that change with anything that the controllers and machines are told of where etcd is."""
    return hashlib.sha256(" ".join(etcd_endpoints(registered)).encode()).hexdigest()[:16]
