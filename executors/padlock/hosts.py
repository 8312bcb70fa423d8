"""The public hosts of the cluster, a wildcard among them, and where each is to be asked for."""

from collections.abc import Callable, Iterable

from gitops.bindings import answering_nodes, serving_nodes
from model.names import NodeName
from model.registered import Registered

WILD = "*."


class Hosts:
    """Host names; `in` says whether one of them stands for a name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def __contains__(self, host: object) -> bool:
        return self.standing_for(str(host)) is not None

    def standing_for(self, host: str) -> str | None:
        """The name by which a host is one of these: its own before a wildcard's."""
        wild = f"{WILD}{host.partition('.')[2]}"
        return next((name for name in (host, wild) if name in self._names), None)


def asked_as(host: str) -> str:
    """A name to ask for: one that a wildcard stands for is as good as any other."""
    return f"flstr-padlock.{host.removeprefix(WILD)}" if host.startswith(WILD) else host


def published(registered: Registered) -> Hosts:
    """All public hosts."""
    return Hosts(one.publish.host_name for one in registered.ingress.values())


def seen_from(node: NodeName, address: str, registered: Registered) -> Callable[[str], str | None]:
    """Where each host is for whoever came in at one ingress by an address of it: there, if that serves it, else at
    another ingress that does; None for what none of them serves."""
    ours = published(registered)

    def address_of(host: str) -> str | None:
        name = ours.standing_for(host)
        records = [one for one in registered.ingress.values() if one.publish.host_name == name]
        if any(node in serving_nodes(one, registered) for one in records):
            return address
        others = [
            other for one in records for other in answering_nodes(one, registered) or serving_nodes(one, registered)
        ]
        return registered.nodes[others[0]].ip if others else None

    return address_of
