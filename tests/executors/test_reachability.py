"""The watch over the public side of ingresses, on a real etcd."""

import threading

import pytest

from executors.reachability import Reachability
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.cluster import Cluster
from model.errors import Fenced, Unreadable
from model.operation import Notice
from model.registered import FloatingRecord, NodeRecord
from tests.gitops.public import FIRST, FLOATING_IP, PUBLIC, SECOND, public_yaml
from tests.gitops.scene import manifests, public_ip

LOST = f":warning: {FIRST} has not answered requests for 2 seconds; floating IP public moves to {SECOND}."


class Watch:
    """A watch with a clock that tests set, over ingresses that are silent as tests say."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.now, self.woken = registry, 1000.0, 0
        self.silent: set[str] = set()
        self.asked: list[str] = []
        self.reachability = Reachability(registry, self._wake, self._ask, lambda: self.now)
        self.poll()

    def _wake(self) -> None:
        self.woken += 1

    def _ask(self, address: str) -> bool:
        self.asked.append(address)
        return address not in {public_ip(node) for node in self.silent}

    def poll(self) -> None:
        """What the watch over all machines does at each of its looks."""
        self.reachability.know(self.registry.cluster(), self.registry.read())

    def look(self, *silent: str, times: int = 1) -> set[str]:
        """Who is noted after so many more looks."""
        self.silent = set(silent)
        for _ in range(times):
            self.reachability.look()
            self.now += 1
        return set(self.registry.read().unreachable)

    def said(self) -> list[str]:
        found = self.registry.store.prefix(keys.NOTICES).values()
        return [notice.text for notice in sorted(map(Notice.model_validate_json, found), key=lambda notice: notice.at)]


def register(registry: Registry, node: str) -> None:
    registry.put_node(NodeRecord(name=node, ip=public_ip(node), services=(), role="ingress", pool="ingress"))
    registry.put_routed(node, "0" * 16)


@pytest.fixture
def registry(store: Store) -> Registry:
    registry = Registry(store)
    store.put(keys.CLUSTER, manifests(public_yaml(FLOATING_IP)).cluster.to_json())
    for node in (FIRST, SECOND):
        register(registry, node)
    registry.put_floating_ip("public", FloatingRecord(ip=PUBLIC, node=FIRST))
    return registry


@pytest.fixture
def watch(registry: Registry) -> Watch:
    return Watch(registry)


def test_an_ingress_that_is_silent_three_times_is_noted_and_told_and_the_worker_is_woken(watch: Watch) -> None:
    assert watch.look() == watch.look(FIRST, times=2) == set()
    assert (watch.said(), watch.woken) == ([], 0)
    assert watch.look(FIRST) == {FIRST}
    assert (watch.said(), watch.woken) == ([LOST], 1)
    assert watch.look(FIRST, times=5) == {FIRST}
    assert (watch.said(), watch.woken) == ([LOST], 1)


def test_it_is_taken_back_after_three_answers(watch: Watch) -> None:
    watch.look(FIRST, times=3)
    assert watch.look(times=2) == {FIRST}
    assert watch.look() == set()
    assert watch.said()[1:] == [f":white_check_mark: {FIRST} answers requests again, after 5 seconds."]
    assert watch.woken == 2
    assert watch.look(FIRST, times=3) == {FIRST}


def test_where_all_are_silent_nothing_is_noted(watch: Watch) -> None:
    assert watch.look(FIRST, SECOND, times=10) == set()
    assert watch.said() == []


def test_nothing_is_read_or_written_while_nothing_changes(watch: Watch, store: Store) -> None:
    before = store.changed(keys.NODES, 0)[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "_call", lambda *_: pytest.fail("etcd was asked"))
        for _ in range(3):
            watch.reachability.look()
    assert store.changed(keys.NODES, 0)[1] == before
    assert set(watch.asked) == {public_ip(FIRST), public_ip(SECOND)}


def test_without_a_floating_ip_nobody_is_asked(watch: Watch, store: Store) -> None:
    watch.look(FIRST, times=3)
    store.put(keys.CLUSTER, manifests(public_yaml()).cluster.to_json())
    watch.poll()
    watch.asked.clear()
    # What was noted would be noted for ever.
    assert watch.look(FIRST) == set()
    assert watch.asked == []


def test_an_ingress_that_joins_is_watched_from_the_next_poll_on(watch: Watch, registry: Registry, store: Store) -> None:
    store.put(keys.CLUSTER, manifests(public_yaml(FLOATING_IP, ingresses=3)).cluster.to_json())
    register(registry, "ingress018")
    watch.look()
    assert public_ip("ingress018") not in watch.asked
    watch.poll()
    assert watch.look("ingress018", times=3) == {"ingress018"}


def test_a_machine_that_was_taken_away_meanwhile_is_not_noted(watch: Watch, registry: Registry) -> None:
    watch.look(FIRST, times=2)
    registry.forget_node(FIRST)
    assert watch.look(FIRST) == set()


def test_a_reading_from_before_says_nothing_twice(watch: Watch, registry: Registry) -> None:
    cluster, before = registry.cluster(), registry.read()
    watch.look(FIRST, times=3)
    noted = registry.read()
    watch.reachability.know(cluster, before)
    assert watch.look(FIRST, times=2) == {FIRST}
    watch.look(times=3)
    watch.reachability.know(cluster, noted)
    assert watch.look(times=4) == set()
    assert len(watch.said()) == 2


def test_an_etcd_that_is_away_for_a_moment_is_made_up_for(watch: Watch) -> None:
    def away(*_: object) -> None:
        raise Unreadable("etcd does not answer")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Registry, "read", away)
        with pytest.raises(Unreadable):
            watch.look(FIRST, times=4)
        for _ in range(4):
            watch.reachability.look()
    assert watch.look(FIRST) == {FIRST}


def test_a_cluster_that_cannot_be_read_ends_no_watch(registry: Registry, store: Store) -> None:
    written = store.get(keys.CLUSTER) or ""
    store.put(keys.CLUSTER, '{"cluster": 1}')
    with pytest.raises(Unreadable, match=r"^etcd: flstr/cluster cannot be read"):
        registry.cluster()
    read, asked = threading.Event(), threading.Event()

    class Seen(Registry):
        def cluster(self) -> Cluster:
            try:
                return super().cluster()
            finally:
                read.set()

    def ask(_: str) -> bool:
        asked.set()
        return True

    reachability = Reachability(Seen(store), lambda: None, ask)
    watching = threading.Thread(target=reachability.run, daemon=True)
    watching.start()
    assert read.wait(60)
    store.put(keys.CLUSTER, written)
    reachability.know(registry.cluster(), registry.read())
    assert asked.wait(60)
    reachability.stop()
    watching.join(60)
    assert not watching.is_alive()


def test_another_controller_takes_back_what_the_first_noted(watch: Watch, registry: Registry) -> None:
    watch.look(FIRST, times=3)
    assert Watch(registry).look(times=3) == set()


def test_a_controller_that_no_longer_leads_notes_nothing(store: Store, registry: Registry) -> None:
    store.put(keys.LEADER, "another")
    stale = Watch(Registry(store.fenced(Fence(keys.LEADER, 1))))
    with pytest.raises(Fenced):
        stale.look(FIRST, times=3)
    assert registry.read().unreachable == {}


def test_it_looks_by_itself_until_it_is_stopped(registry: Registry) -> None:
    asked, stopped = threading.Event(), threading.Event()

    def ask(_: str) -> bool:
        asked.set()
        return True

    reachability = Reachability(registry, lambda: None, ask)

    def run() -> None:
        reachability.run()
        stopped.set()

    threading.Thread(target=run, daemon=True).start()
    assert asked.wait(60)
    reachability.stop()
    assert stopped.wait(60)
