"""What is noted of the flstr that a controller was given, and who has to be told anew. Pure."""

from gitops.control import control_digest, full_members
from model.names import NodeName
from model.registered import Registered


def installed_as(version: str, registered: Registered) -> str:
    """What is noted of a controller that was installed: its version, and a digest of the members it was told of."""
    return f"{version} {control_digest(registered)}"


def upgraded_to(version: str, node: NodeName, registered: Registered) -> str:
    """What is noted of one that has another version, and was told nothing anew of etcd's members."""
    _, between, told = registered.installed.get(node, "").partition(" ")
    return f"{version}{between}{told}"


def wrongly_installed(registered: Registered) -> tuple[NodeName, ...]:
    """Members whose flstr was told of other members than there are."""
    digest = control_digest(registered)
    known = {node: held.partition(" ")[2] for node, held in registered.installed.items()}
    return tuple(node for node in full_members(registered) if known.get(node) and known[node] != digest)
