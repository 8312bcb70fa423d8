"""What has to be done to the records of a name, from those that are there and those that should be. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from executors.records.not_ours import NotOurs

Address = IPv4Address | IPv6Address
AddressKind = Literal["A", "AAAA"]
Verb = Literal["create", "set", "change ttl", "delete"]

ADDRESS_KINDS: tuple[AddressKind, ...] = ("A", "AAAA")


@dataclass(frozen=True)
class Held:
    """The records of one type at a name, as the cloud has them; `labels` say whose they are."""

    kind: str
    values: frozenset[str]
    ttl: int | None
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """One request that changes something."""

    verb: Verb
    kind: AddressKind
    values: tuple[str, ...] = ()


def mark(cluster: str) -> dict[str, str]:
    """The labels of a set that flstr made for a cluster. Whoever puts them on a set of his own hands it over."""
    return {"managed-by": "flstr", "cluster": cluster}


def is_marked(held: Held, cluster: str) -> bool:
    """Whether flstr made these records, for this cluster."""
    return mark(cluster).items() <= held.labels.items()


def changes(name: str, held: Iterable[Held], wanted: Sequence[Address], ttl: int, cluster: str) -> tuple[Change, ...]:
    """What makes a name have these addresses and no others; `NotOurs` where somebody else's records are in the way.

    What is not wanted goes last. Somebody else's records of a type that is not wanted stay.
    """
    there = {one.kind: one for one in held}
    refuse_alias(name, there)
    first: list[Change] = []
    last: list[Change] = []
    for kind in ADDRESS_KINDS:
        values = values_of(kind, wanted)
        one = there.get(kind)
        if values and one is None:
            first.append(Change("create", kind, values))
        elif values and one is not None:
            _refuse_foreign(name, one, cluster)
            first += _differences(kind, one, values, ttl)
        elif one is not None and is_marked(one, cluster):
            last.append(Change("delete", kind))
    return (*first, *last)


def removals(held: Iterable[Held], cluster: str) -> tuple[Change, ...]:
    """What takes a name's addresses away: those that flstr made."""
    ours = {one.kind for one in held if is_marked(one, cluster)}
    return tuple(Change("delete", kind) for kind in ADDRESS_KINDS if kind in ours)


def refuse_alias(name: str, kinds: Iterable[str]) -> None:
    """Nothing can stand beside a CNAME."""
    if "CNAME" in kinds:
        raise NotOurs(f"{name}: a CNAME record of that name exists; delete it in the Hetzner console")


def values_of(kind: AddressKind, addresses: Iterable[Address]) -> tuple[str, ...]:
    """The addresses of a type in one way of writing, sorted, each once."""
    version = IPv4Address if kind == "A" else IPv6Address
    return tuple(map(str, sorted({address for address in addresses if isinstance(address, version)})))


def _differences(kind: AddressKind, held: Held, values: tuple[str, ...], ttl: int) -> list[Change]:
    found = []
    if {str(ip_address(value)) for value in held.values} != set(values):
        found.append(Change("set", kind, values))
    if held.ttl != ttl:
        found.append(Change("change ttl", kind))
    return found


def _refuse_foreign(name: str, held: Held, cluster: str) -> None:
    if is_marked(held, cluster):
        return
    if held.labels.get("managed-by") == "flstr":
        other = held.labels.get("cluster", "")
        raise NotOurs(f"{name}: its {held.kind} record is of cluster {other}; give the name to one cluster only")
    labels = ",".join(f"{key}={value}" for key, value in mark(cluster).items())
    raise NotOurs(
        f"{name}: an {held.kind} record of that name exists that flstr did not make; delete it in the Hetzner console, "
        f"or give it the labels {labels} to hand it over"
    )
