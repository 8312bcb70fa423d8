"""On which worker each instance runs. Pure, and as little as possible moves."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.names import InstanceId, NodeName
from model.registered import InstanceRecord


@dataclass(frozen=True)
class Placed:
    """An instance and its machine."""

    instance: InstanceId
    node: NodeName


@dataclass(frozen=True)
class Change:
    """How an app's instances change: each pair starts one and then removes one; then come the plain ones.

    `replace` holds (old, new) pairs of an update, `start` and `remove` what the count asks for.
    """

    replace: tuple[tuple[Placed, Placed], ...] = ()
    start: tuple[Placed, ...] = ()
    remove: tuple[Placed, ...] = ()


def change(
    count: int,
    spec: str,
    instances: Mapping[InstanceId, InstanceRecord],
    workers: Iterable[NodeName],
    *,
    keep: Iterable[NodeName] = (),
    fallback: str = "",
) -> Change:
    """What turns an app's registered instances into `count` of this spec, on these workers.

    Instances on machines that are not among `workers` keep serving; they are the first to go when there are too many,
    and a replacement never lands there.
    """
    stay = sorted(workers)
    placed = [Placed(name, record.node) for name, record in sorted(instances.items(), key=_by_slot)]
    kept, surplus = _split(placed, count, frozenset(stay))
    load = Counter(item.node for item in kept if item.node in stay)
    names = _Names(spec, placed)
    old = [item for item in kept if not item.instance.endswith(f"-{spec}")]
    replace = []
    for item in old:
        load[item.node] -= 1
        node = item.node if item.node in stay else _emptiest(stay, load)
        load[node] += 1
        replace.append((item, Placed(names.take(), node)))
    start = []
    for _ in range(count - len(kept)):
        node = _emptiest(stay, load)
        load[node] += 1
        start.append(Placed(names.take(), node))
    return Change(tuple(replace), tuple(start), tuple(surplus))


def moves(
    spec: str,
    instances: Mapping[InstanceId, InstanceRecord],
    leaving: frozenset[NodeName],
    workers: Iterable[NodeName],
) -> tuple[tuple[Placed, Placed], ...]:
    """The (old, new) pairs that bring an app's instances off machines that leave."""
    stay = sorted(set(workers) - leaving)
    placed = [Placed(name, record.node) for name, record in sorted(instances.items(), key=_by_slot)]
    load = Counter(item.node for item in placed if item.node in stay)
    names = _Names(spec, placed)
    pairs = []
    for item in placed:
        if item.node in leaving:
            node = _emptiest(stay, load)
            load[node] += 1
            pairs.append((item, Placed(names.take(), node)))
    return tuple(pairs)


class _Names:
    """Free instance names: the lowest numbers that no registered instance of any spec holds."""

    def __init__(self, spec: str, placed: Iterable[Placed]) -> None:
        self._spec = spec
        self._taken = {int(item.instance.partition("-")[0]) for item in placed}

    def take(self) -> InstanceId:
        number = next(number for number in range(1, 10_000) if number not in self._taken)
        self._taken.add(number)
        return f"{number}-{self._spec}"


def _by_slot(item: tuple[InstanceId, InstanceRecord]) -> tuple[int, str]:
    number, _, spec = item[0].partition("-")
    return int(number), spec


def _split(placed: list[Placed], count: int, stay: frozenset[NodeName]) -> tuple[list[Placed], list[Placed]]:
    """Which instances are kept and which are too many: first those on leaving machines, then on the fullest."""
    kept = list(placed)
    surplus: list[Placed] = []
    while len(kept) > count:
        load = Counter(item.node for item in kept)
        goes = max(kept, key=lambda item: (item.node not in stay, load[item.node], kept.index(item)))
        kept.remove(goes)
        surplus.append(goes)
    return kept, surplus


def _emptiest(stay: list[NodeName], load: Counter[NodeName]) -> NodeName:
    return min(stay, key=lambda node: (load[node], node))
