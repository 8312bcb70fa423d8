"""A store of three members goes on through the death and the stop of any one, and does nothing twice."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from etcd3 import exceptions

from gitops import etcd_client
from gitops.etcd_client import CALL_SECONDS, NEXT_SECONDS
from gitops.store import Store
from model import keys
from model.errors import EtcdSilent, Refused, Unreadable
from tests.bot.room import eventually
from tests.gitops.etcd_cluster import EtcdCluster, EtcdMember, etcd_cluster

# What is never heard is a fault; how soon it is says nothing on a busy machine.
HEARD_SECONDS = 60.0
FAULTS: dict[str, tuple[Callable[[EtcdMember], None], Callable[[EtcdMember], None]]] = {
    "killed": (EtcdMember.kill, EtcdMember.start),
    "stopped": (EtcdMember.stop, EtcdMember.resume),
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    with etcd_cluster(tmp_path_factory.mktemp("etcd")) as cluster:
        yield cluster


@pytest.fixture
def store(cluster: EtcdCluster) -> Iterator[Store]:
    """A store whose preferred member leads the others, the worst of them to lose."""
    store = cluster.store(first=cluster.members.index(cluster.leader()))
    store.delete_prefix("")
    yield store
    store.close()


def preferred(store: Store, cluster: EtcdCluster) -> EtcdMember:
    return next(member for member in cluster.members if member.endpoint == store._endpoints[0])


def hear(heard: "queue.Queue[tuple[str, str | None]]", wanted: tuple[str, str]) -> None:
    """Wait for a change, whatever comes before it."""
    while heard.get(timeout=HEARD_SECONDS) != wanted:
        pass


@pytest.mark.parametrize("fault", FAULTS)
def test_calls_and_watches_go_on_without_the_preferred_member(cluster: EtcdCluster, store: Store, fault: str) -> None:
    begin, mend = FAULTS[fault]
    member, elsewhere = preferred(store, cluster), cluster.store(first=1)
    heard: queue.Queue[tuple[str, str | None]] = queue.Queue()
    lease = store.lease(60)
    with store.follow("a/", lambda key, value: heard.put((key, value))):
        store.put("a/1", "x")
        assert heard.get(timeout=HEARD_SECONDS) == ("a/1", "x")
        begin(member)
        # An election may take longer than a call does.
        cluster.await_all(but=member)
        assert store.put_new("a/2", "y")
        assert not store.put_new("a/2", "z")
        assert store.swap("a/2", "y", "z")
        assert store.prefix("a/") == {"a/1": "x", "a/2": "z"}
        assert store.keep_alive(lease)
        hear(heard, ("a/2", "z"))
        mend(member)
        eventually(lambda: not store._client._members[0].lost)
        elsewhere.put("a/3", "w")
        hear(heard, ("a/3", "w"))
    elsewhere.close()


def test_what_nobody_calls_for_is_noticed_as_well(cluster: EtcdCluster, store: Store) -> None:
    """A watch on a stopped member would wait for ever."""
    member = preferred(store, cluster)
    elsewhere = cluster.store(first=(cluster.members.index(member) + 1) % 3)
    heard: queue.Queue[tuple[str, str | None]] = queue.Queue()
    with store.follow("a/", lambda key, value: heard.put((key, value))):
        elsewhere.put("a/1", "x")
        assert heard.get(timeout=HEARD_SECONDS) == ("a/1", "x")
        member.stop()
        try:
            cluster.await_all(but=member)
            elsewhere.put("a/2", "y")
            assert heard.get(timeout=HEARD_SECONDS) == ("a/2", "y")
        finally:
            member.resume()
    elsewhere.close()


def test_without_a_majority_a_call_is_refused_and_the_store_says_it_is_not_well(
    cluster: EtcdCluster, store: Store
) -> None:
    eventually(store.is_well)
    for member in cluster.members[:2]:
        member.stop()
    try:
        refused = threading.Event()

        def call() -> None:
            with pytest.raises(Refused, match="does not answer"):
                store.put("a", "1")
            refused.set()

        threading.Thread(target=call, daemon=True).start()
        assert refused.wait(HEARD_SECONDS)
        eventually(lambda: not store.is_well())
    finally:
        for member in cluster.members[:2]:
            member.resume()
    eventually(store.is_well)
    eventually(lambda: _answers(store))


def _answers(store: Store) -> bool:
    try:
        store.get("a")
    except Refused:
        return False
    return True


def test_what_a_stopped_member_was_told_is_not_done_after_a_later_write(cluster: EtcdCluster, store: Store) -> None:
    """It holds the first write in its socket, and reads it when it goes on."""
    member = preferred(store, cluster)
    store.put("a", "before")
    member.stop()
    try:
        # The store itself asks nobody meanwhile, and so does not know yet that one is stopped.
        cluster.await_all(but=member)
        store.put("a", "first")
        store.put("a", "second")
    finally:
        member.resume()
    eventually(lambda: not store._client._members[0].lost)
    assert store.get("a") == "second"


def test_a_request_that_comes_late_changes_nothing(store: Store) -> None:
    store.put("a", "before")
    with requests_held(store, members=1) as late:
        store.put("a", "first")
        store.put("a", "second")
    assert late
    assert not any(request() for request in late)
    assert store.get("a") == "second"


def test_nor_does_one_that_was_given_up(store: Store) -> None:
    store.put("a", "before")
    with requests_held(store, members=3) as late, pytest.raises(Unreadable):
        store.put("a", "first")
    eventually(lambda: _answers(store))
    store.put("a", "second")
    assert [request() for request in late] == [False] * len(late)
    assert store.get("a") == "second"


def test_a_comparison_that_failed_once_does_not_hold_later(store: Store) -> None:
    """Somebody else's leadership ends after this one was told that it has none."""
    store.put("leader", "another")
    with requests_held(store, members=1) as late:
        assert not store.put_new("leader", "this")
    store.delete("leader")
    assert late
    assert not any(request() for request in late)
    assert store.get("leader") is None


def test_what_is_sent_twice_is_done_once(store: Store) -> None:
    """The answer of the first member is lost after it did what it was told; the second is told the same."""
    store.put("counted", "0")
    with answers_lost(store):
        assert store.swap("counted", "0", "1"), "it was done, by the first"
    with answers_lost(store):
        assert store.put_new("new", "1"), "it was not there before"
    with answers_lost(store):
        assert not store.put_new("new", "2")
    assert store.prefix("new") == {"new": "1"}


@contextmanager
def requests_held(store: Store, members: int) -> Iterator[list[Callable[[], bool]]]:
    """Members that take a transaction each, say nothing, and carry it out when it is called."""
    late: list[Callable[[], bool]] = []
    with ExitStack() as stack:
        for member in store._client._members[:members]:
            stack.enter_context(_held(member.client, late))
        yield late


@contextmanager
def _held(client: Any, late: list[Callable[[], bool]]) -> Iterator[None]:
    carry_out = client.transaction

    def transaction(*request: Any) -> Any:
        late.append(lambda: bool(carry_out(*request)[0]))
        raise exceptions.ConnectionTimeoutError

    with patch.object(client, "transaction", transaction):
        yield


@contextmanager
def answers_lost(store: Store) -> Iterator[None]:
    """The preferred member carries transactions out, and its answers are lost."""
    client = store._client._members[0].client
    carry_out = client.transaction

    def transaction(*request: Any) -> Any:
        carry_out(*request)
        raise exceptions.ConnectionTimeoutError

    with patch.object(client, "transaction", transaction):
        yield
    store._client._members[0].lost = False


def test_what_was_given_up_and_tidied_up_holds_nothing_up(store: Store) -> None:
    store.put("a", "before")
    with requests_held(store, members=3) as late, pytest.raises(Unreadable):
        store.put("a", "first")
    eventually(lambda: _answers(store))
    store._client.call(lambda etcd: etcd.delete_prefix(keys.SLIPS))
    store.put("a", "second")
    assert [request() for request in late] == [False] * len(late)


def test_where_all_members_are_slow_a_call_is_answered_late_and_nobody_is_taken_for_lost(store: Store) -> None:
    """The disk of the one that leads holds up every write, whoever is asked for it."""
    # What a call says of the members; a look may rightly find that one is slower than the others.
    with patch.object(store._client, "_judge"), answers_late(store, members=3):
        for member in store._client._members:
            member.lost = False
        assert store.put_new("late", "1")
        assert not store.put_new("late", "2")
        assert not any(member.lost for member in store._client._members)
    assert store.was_slow(20.0)


def test_the_first_answer_counts_and_what_the_slower_one_does_as_well_is_done_once(store: Store) -> None:
    with answers_late(store, members=1, seconds=HEARD_SECONDS) as late:
        assert store.put_new("a", "1")
        assert store.swap("a", "1", "2")
        late.go.set()
        eventually(lambda: len(late.answers) == late.begun)
    assert late.answers
    assert not any(late.answers)
    assert store.prefix("a") == {"a": "2"}


@dataclass
class Late:
    """Transactions that wait until they are let go, or have taken long; what became of them."""

    seconds: float
    go: threading.Event = field(default_factory=threading.Event)
    begun: int = 0
    answers: list[bool] = field(default_factory=list)


@contextmanager
def answers_late(store: Store, members: int, seconds: float = 2 * NEXT_SECONDS) -> Iterator[Late]:
    """Members whose transactions take longer than it takes until another one is asked as well."""
    late = Late(seconds)
    with ExitStack() as stack:
        for member in store._client._members[:members]:
            stack.enter_context(_late(member.client, late))
        yield late


@contextmanager
def _late(client: Any, late: Late) -> Iterator[None]:
    carry_out = client.transaction

    def transaction(*request: Any) -> Any:
        late.begun += 1
        late.go.wait(late.seconds)
        answer = carry_out(*request)
        late.answers.append(bool(answer[0]))
        return answer

    with patch.object(client, "transaction", transaction):
        yield


def test_slips_are_used_again_and_may_be_tidied_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where two are asked because the first is slow, each makes a slip.
    monkeypatch.setattr(etcd_client, "NEXT_SECONDS", CALL_SECONDS)
    store.put("a", "-")
    before = store.names(keys.SLIPS)
    for number in range(20):
        store.put("a", str(number))
    assert store.names(keys.SLIPS) == before
    store._client.call(lambda etcd: etcd.delete_prefix(keys.SLIPS))
    assert store.swap("a", "19", "20")
    assert not store.swap("a", "19", "21")
    assert store.get("a") == "20"


def test_whoever_asks_while_it_is_closed_is_refused_as_where_etcd_is_gone(cluster: EtcdCluster, tmp_path: Path) -> None:
    store = cluster.store(first=0)
    for member in cluster.members:
        member.stop()
    asked, refused = threading.Event(), queue.Queue[Exception]()

    def ask(action: Callable[[], object]) -> None:
        asked.set()
        try:
            action()
        except Exception as error:
            refused.put(error)

    asking = threading.Thread(target=ask, args=(lambda: store.get("a"),))
    try:
        asking.start()
        asked.wait()
        store.close()
        asking.join(HEARD_SECONDS)
    finally:
        for member in cluster.members:
            member.resume()
    for action in (lambda: store.get("a"), lambda: store.snapshot(tmp_path / "db"), store.standings):
        ask(action)
    assert [type(refused.get_nowait()) for _ in range(4)] == [EtcdSilent] * 4
