"""On which worker each instance runs. Pure, and as little as possible moves."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from model.cluster import Cluster
from model.names import InstanceId, NodeName
from model.registered import InstanceRecord, Registered


@dataclass(frozen=True)
class Placed:
    """An instance and its machine."""

    instance: InstanceId
    node: NodeName

    @property
    def spec(self) -> str:
        """The release and settings that the instance runs."""
        return self.instance.partition("-")[2]


@dataclass(frozen=True)
class Change:
    """How an app's instances change: each pair starts one and then removes one; then come the plain ones.

    `replace` holds (old, new) pairs, of an update or from one machine to another; `start` and `remove` are what the
    count asks for.
    """

    replace: tuple[tuple[Placed, Placed], ...] = ()
    start: tuple[Placed, ...] = ()
    remove: tuple[Placed, ...] = ()

    @property
    def moved(self) -> tuple[tuple[Placed, Placed], ...]:
        """The pairs that change the machine alone: both run the same release with the same settings."""
        return tuple((old, new) for old, new in self.replace if old.spec == new.spec)


@dataclass(frozen=True)
class Places:
    """The machines that instances are started on, in order, and those that only keep what runs there for now."""

    workers: tuple[NodeName, ...]
    keep: frozenset[NodeName]


def places(cluster: Cluster, registered: Registered) -> Places:
    """Neither drained nor dead machines have a place. One that no pool wants keeps its instances until it may go, one
    that is NotReady until it is given up."""
    nodes = cluster.nodes()
    wanted = {node for node, pool in nodes.items() if pool.role == "worker"}
    unwanted = (registered.nodes.keys() | registered.hosts.keys()) - nodes.keys()
    workers = wanted - set(cluster.drained) - registered.dead.keys()
    waiting = workers & registered.not_ready.keys()
    return Places(tuple(sorted(workers - waiting)), frozenset((unwanted | waiting) - registered.dead.keys()))


def change(
    count: int,
    spec: str,
    instances: Mapping[InstanceId, InstanceRecord],
    workers: Iterable[NodeName],
    keep: Set[NodeName] = frozenset(),
    *,
    fallback: str = "",
    load: Mapping[NodeName, int] | None = None,
) -> Change:
    """What turns an app's registered instances into `count` of this spec on `workers`.

    Of machines that are as good, a new instance goes to the one with the least `load`: instances of any app.

    Afterwards no worker has two while another has none. Nothing is started on a machine of `keep`; what runs there
    counts, and stays unless it has to be replaced anyway. What runs on any other machine is replaced on a worker, and
    goes on where it is while there is no worker. The first to go when there are too many are those on machines that
    are no workers, then those of a spec that is neither `spec` nor `fallback`.
    """
    nodes = sorted(set(workers))
    placed = _in_order(instances)
    kept, surplus = _split(placed, count, _Rank(spec, fallback, frozenset(nodes), frozenset(keep)))
    if not nodes:
        return Change(remove=surplus)
    names = _Names(spec, placed)
    stays = [item for item in kept if item.spec == spec and (item.node in nodes or item.node in keep)]
    # Those whose machine is lost to them come first: they may serve nobody meanwhile.
    lost = [item for item in kept if item.node not in nodes and item.node not in keep]
    goes = [*lost, *(item for item in kept if item not in stays and item not in lost)]
    own = Counter(item.node for item in stays if item.node in nodes)
    room = _room(nodes, own, goes, count - len(stays), Counter(load or {}))
    landing = _land(goes, room)
    own.update([*landing, *room])
    replace = [(item, Placed(names.take(), node)) for item, node in zip(goes, landing, strict=True)]
    start = tuple(Placed(names.take(), node) for node in room)
    spread = [(item, Placed(names.take(), node)) for item, node in _crowded(nodes, own, stays)]
    return Change((*replace, *spread), start, surplus)


def moves(
    count: int,
    spec: str,
    instances: Mapping[InstanceId, InstanceRecord],
    workers: Iterable[NodeName],
    leaving: Set[NodeName],
    *,
    fallback: str = "",
) -> tuple[tuple[Placed, Placed], ...]:
    """The (old, new) pairs that bring an app's instances off machines that leave; none while there is no worker.

    What the count no longer asks for is not moved.
    """
    wanted = change(count, spec, instances, set(workers) - leaving, fallback=fallback)
    return tuple((old, new) for old, new in wanted.replace if old.node in leaving)


class _Names:
    """Free instance names: the lowest numbers that no registered instance of any spec holds."""

    def __init__(self, spec: str, placed: Iterable[Placed]) -> None:
        self._spec = spec
        self._taken = {_slot(item) for item in placed}

    def take(self) -> InstanceId:
        number = next(number for number in range(1, 10_000) if number not in self._taken)
        self._taken.add(number)
        return f"{number}-{self._spec}"


@dataclass(frozen=True)
class _Rank:
    """How soon an instance goes when there are too many; the greatest goes first."""

    spec: str
    fallback: str
    workers: frozenset[NodeName]
    keep: frozenset[NodeName]

    def of(self, item: Placed, load: int) -> tuple[int, int, int, int]:
        where = 0 if item.node in self.workers else 1 if item.node in self.keep else 2
        what = 0 if item.spec == self.spec else 1 if item.spec == self.fallback else 2
        return where, what, load, _slot(item)


def _split(placed: list[Placed], count: int, rank: _Rank) -> tuple[list[Placed], tuple[Placed, ...]]:
    """Which instances are kept, and which are too many."""
    kept = list(placed)
    surplus: list[Placed] = []
    while len(kept) > count:
        load = Counter(item.node for item in kept)
        goes = max(kept, key=lambda item: rank.of(item, load[item.node]))
        kept.remove(goes)
        surplus.append(goes)
    return kept, tuple(surplus)


def _room(
    nodes: list[NodeName], load: Counter[NodeName], goes: list[Placed], count: int, of_all: Counter[NodeName]
) -> list[NodeName]:
    """The machines of `count` new instances: the emptiest next, of several one that has an old one."""
    old = Counter(item.node for item in goes)
    filled, room = Counter(load), list[NodeName]()
    for _ in range(count):
        node = min(nodes, key=lambda node: (filled[node], room.count(node) >= old[node], of_all[node], node))
        filled[node] += 1
        room.append(node)
    return room


def _land(goes: list[Placed], room: list[NodeName]) -> list[NodeName]:
    """Where the successor of each lands: on the same machine where there is room. Takes it out of `room`."""
    landing: dict[Placed, NodeName] = {}
    for item in goes:
        if item.node in room:
            room.remove(item.node)
            landing[item] = item.node
    return [landing[item] if item in landing else room.pop(0) for item in goes]


def _crowded(nodes: list[NodeName], load: Counter[NodeName], stays: list[Placed]) -> Iterable[tuple[Placed, NodeName]]:
    """Which instances have to leave a machine of several for one that has none, and which machine that is."""
    here = list(stays)
    for empty in [node for node in nodes if load[node] == 0]:
        fullest = max(nodes, key=lambda node: load[node])
        if load[fullest] < 2:
            return
        item = [item for item in here if item.node == fullest][-1]
        here.remove(item)
        load[fullest] -= 1
        load[empty] += 1
        yield item, empty


def _in_order(instances: Mapping[InstanceId, InstanceRecord]) -> list[Placed]:
    placed = [Placed(name, record.node) for name, record in instances.items()]
    return sorted(placed, key=lambda item: (_slot(item), item.spec))


def _slot(item: Placed) -> int:
    return int(item.instance.partition("-")[0])
