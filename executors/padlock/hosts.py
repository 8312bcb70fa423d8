"""The public hosts of the cluster, a wildcard among them."""

from collections.abc import Iterable

WILD = "*."


class Hosts:
    """Host names; `in` says whether one of them stands for a name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def __contains__(self, host: object) -> bool:
        return host in self._names or f"{WILD}{str(host).partition('.')[2]}" in self._names


def asked_as(host: str) -> str:
    """A name to ask for: one that a wildcard stands for is as good as any other."""
    return f"flstr-padlock.{host.removeprefix(WILD)}" if host.startswith(WILD) else host
