"""The store on a real etcd."""

import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitops.etcd_server import EmbeddedEtcd
from gitops.store import Fence, Store
from model.errors import Fenced, Refused, Unreadable


def test_a_new_key_is_written_once(store: Store) -> None:
    assert store.put_new("a", "1")
    assert not store.put_new("a", "2")
    assert store.get("a") == "1"


def test_a_swap_needs_the_old_value(store: Store) -> None:
    store.put("a", "1")
    assert not store.swap("a", "0", "2")
    assert store.swap("a", "1", "2")
    assert store.get("a") == "2"


def test_prefixes_are_read_together(store: Store) -> None:
    store.write({"a/1": "x", "b/1": "y", "c/1": "z"})
    assert store.prefixes(["a/", "c/"]) == {"a/1": "x", "c/1": "z"}


def test_only_what_changed_since_a_revision_is_read(store: Store) -> None:
    store.write({"a/1": "x", "a/2": "y"})
    everything, before = store.changed("a/", since=0)
    assert everything == {"a/1": "x", "a/2": "y"}
    store.write({"a/2": "z", "b": "no"})
    changes, now = store.changed("a/", since=before)
    assert changes == {"a/2": "z"}
    assert now > before
    assert store.changed("a/", since=now) == ({}, now)


def test_a_prefix_can_be_removed(store: Store) -> None:
    store.write({"a/1": "x", "a/2": "y", "b": "z"})
    store.delete_prefix("a/")
    assert store.prefix("") == {"b": "z"}


def test_a_follower_hears_what_is_there_and_what_changes(store: Store) -> None:
    store.put("a/1", "x")
    heard: queue.Queue[tuple[str, str | None]] = queue.Queue()
    with store.follow("a/", lambda key, value: heard.put((key, value))):
        assert heard.get(timeout=60) == ("a/1", "x")
        store.put("a/2", "y")
        assert heard.get(timeout=60) == ("a/2", "y")
        store.delete("a/1")
        assert heard.get(timeout=60) == ("a/1", None)


def test_a_follower_survives_a_restart_of_etcd(tmp_path: Path) -> None:
    etcd = EmbeddedEtcd(tmp_path)
    endpoint = etcd.start()
    store = Store([endpoint])
    heard: queue.Queue[tuple[str, str | None]] = queue.Queue()
    try:
        with store.follow("a/", lambda key, value: heard.put((key, value))):
            store.put("a/1", "x")
            assert heard.get(timeout=60) == ("a/1", "x")
            etcd.stop()
            etcd.start(endpoint)
            store = Store([endpoint])
            store.put("a/2", "y")
            assert heard.get(timeout=60) == ("a/2", "y")
    finally:
        etcd.stop()


@pytest.fixture
def binary(store: Store) -> Iterator[Store]:
    """Somebody wrote what is no text."""
    store._client.call(lambda etcd: etcd.put("a/binary", b"\xff\xfe"))
    yield store
    store._client.call(lambda etcd: etcd.delete("a/binary"))


def test_what_is_no_text_is_refused_by_the_name_of_its_key(binary: Store) -> None:
    reads: tuple[Callable[[], object], ...] = (
        lambda: binary.get("a/binary"),
        lambda: binary.prefix("a/"),
        lambda: binary.prefixes(["a/", "b/"]),
        lambda: binary.changed("a/", since=0),
    )
    for read in reads:
        with pytest.raises(Unreadable, match=r"^etcd: a/binary cannot be read \(it holds what is no text\)$"):
            read()


def test_a_key_that_is_no_text_is_refused_as_well(store: Store) -> None:
    store._client.call(lambda etcd: etcd.put(b"a/\xff", "x"))
    try:
        with pytest.raises(Unreadable, match=r"^etcd: a/\\xff cannot be read"):
            store.prefix("a/")
    finally:
        store._client.call(lambda etcd: etcd.delete(b"a/\xff"))


def test_a_follower_hears_on_once_what_is_no_text_is_gone(store: Store) -> None:
    heard: queue.Queue[tuple[str, str | None]] = queue.Queue()
    with store.follow("a/", lambda key, value: heard.put((key, value))):
        store.put("a/1", "x")
        assert heard.get(timeout=60) == ("a/1", "x")
        store._client.call(lambda etcd: etcd.put("a/binary", b"\xff"))
        store.put("a/1", "y")
        store._client.call(lambda etcd: etcd.delete("a/binary"))
        assert heard.get(timeout=60) == ("a/1", "y")
        store.put("a/2", "z")
        assert heard.get(timeout=60) == ("a/2", "z")


def test_the_writes_of_a_former_leader_are_refused(store: Store) -> None:
    lease = store.lease(60)
    token = store.put_leased("leader", "first", lease)
    assert token is not None
    former = store.fenced(Fence("leader", token))
    former.put("a", "1")
    store.delete("leader")
    assert store.put_leased("leader", "second", store.lease(60)) is not None
    with pytest.raises(Fenced):
        former.put("a", "2")
    with pytest.raises(Fenced):
        former.put_new("b", "2")
    assert store.prefix("") == {"a": "1", "leader": "second"}


def test_an_etcd_that_is_not_there_is_refused_in_one_sentence() -> None:
    store = Store(["http://127.0.0.1:1"])
    with pytest.raises(Refused, match=r"etcd at http://127\.0\.0\.1:1 does not answer"):
        store.get("a")


def test_a_long_history_can_be_read_and_removed(store: Store) -> None:
    # 300 operations of 20 KB are more than gRPC takes by itself, and than etcd changes in one transaction.
    store.write_many({f"long/{number:03}": "x" * 20_000 for number in range(300)})
    assert len(store.prefix("long/")) == len(store.prefixes(["long/"])) == 300
    store.delete_prefix("long/")
    assert store.prefix("long/") == {}
