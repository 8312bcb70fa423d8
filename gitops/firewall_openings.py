"""What is let in somewhere, and where a machine is reached. Pure."""

from dataclasses import dataclass

from model.names import NodeName
from model.registered import Registered


@dataclass(frozen=True)
class Opening:
    """A port, or a range of them, that is let in; from `sources` only, where there are any."""

    ports: str
    protocol: str
    sources: tuple[str, ...] = ()


def address_in(network: str, node: NodeName, registered: Registered) -> str | None:
    """The address of a machine in a network, or None where it is not in it."""
    record = registered.nodes.get(node)
    return None if record is None else record.addresses.get(network)
