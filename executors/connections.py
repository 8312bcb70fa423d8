"""What is left of an instance's connections: HAProxy's counts and the sockets on its machine, put together. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from model.names import NodeName
from model.registered import Registered


@dataclass(frozen=True)
class Seen:
    """What one machine sees of an instance: its HAProxy's sessions and the connections that it only keeps open, and
    the sockets at the instance's port by the address they come from."""

    sessions: int
    idle: int
    sockets: Mapping[str, int]


def parse_seen(printed: str) -> Seen:
    """What the drain script prints."""
    sessions = idle = 0
    sockets: Counter[str] = Counter()
    for line in printed.splitlines():
        match line.split():
            case ["haproxy", counted, kept]:
                sessions, idle = int(counted), int(kept)
            case ["socket", address, count]:
                sockets[address] += int(count)
    return Seen(sessions, idle, dict(sockets))


def connections_left(seen: Mapping[NodeName, Seen], names: Mapping[str, NodeName]) -> dict[str, int]:
    """How many connections are left, by the machine or address they come from.

    A session of a machine's HAProxy and its socket at the instance are the same connection. HAProxy's count is taken
    where it has one; sockets stand for machines whose HAProxy did not answer or knows nothing of them.
    """
    sockets: Counter[str] = Counter()
    for one in seen.values():
        for address, count in one.sockets.items():
            sockets[names.get(address, address)] += count
    found: dict[str, int] = {}
    for origin in sorted(sockets.keys() | seen.keys()):
        here = seen.get(origin)
        sessions, idle = (here.sessions, here.idle) if here is not None else (0, 0)
        left = sessions or max(0, sockets[origin] - idle)
        if left:
            found[origin] = left
    return found


def total(count: int) -> str:
    """`1 connection`, `2 connections`."""
    return f"{count} connection{'' if count == 1 else 's'}"


def left_at_the_limit(left: Mapping[str, int], limit: float) -> str:
    """What the thread hears: how many were left, and where they came from."""
    count = sum(left.values())
    where = ", ".join(f"{number} from {origin}" for origin, number in left.items())
    return f"{total(count)} {'was' if count == 1 else 'were'} left at the limit of {limit:g} s and cut: {where}"


def machine_names(registered: Registered) -> dict[str, NodeName]:
    """Which machine has an address, in any network."""
    return {
        str(address): name for name, node in registered.nodes.items() for address in (node.ip, *node.addresses.values())
    }
