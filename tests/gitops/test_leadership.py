"""One controller leads; the next one takes over when the lease ends or is given back, with a larger token."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gitops.etcd_client import EtcdClient
from gitops.etcd_server import EmbeddedEtcd
from gitops.leadership import ASK_SECONDS, TTL_SECONDS, Leadership
from gitops.store import Store
from model import keys

T = TypeVar("T")


class CountingClient(EtcdClient):
    """Counts what it is asked for."""

    calls = 0

    def call(self, action: Callable[[Any], T]) -> T:
        self.calls += 1
        return super().call(action)


class StoppedStore(Store):
    """Stands still right after it has written, until its lease has ended and somebody else has taken its place."""

    def _commit(self, compare: list[Any], writes: list[Any]) -> bool:
        done = super()._commit(compare, writes)
        if done:
            self._be_followed(writes)
        return done

    def _be_followed(self, writes: list[Any]) -> None:
        other = Store(self._endpoints)
        other.revoke(writes[0].lease)
        assert other.put_leased(keys.LEADER, "second", other.lease(TTL_SECONDS)) is not None
        other.close()


def lead(store: Store, name: str) -> tuple[Leadership, int]:
    leadership = Leadership(store, name, on_lost=lambda: None)
    fence = leadership.acquire(threading.Event())
    assert fence is not None
    return leadership, fence.token


def test_leadership_given_back_is_taken_at_once_with_a_larger_token(store: Store) -> None:
    first, token = lead(store, "first")
    first.stop()
    second, larger = lead(store, "second")
    second.stop()
    assert larger > token


def test_nobody_leads_beside_a_leader(store: Store) -> None:
    first, _ = lead(store, "first")
    stopping = threading.Event()
    waiting = Leadership(store, "second", on_lost=lambda: None)
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(waiting.acquire(stopping)))
    thread.start()
    thread.join(TTL_SECONDS + 2)
    assert thread.is_alive()
    stopping.set()
    thread.join(60)
    assert got == [None]
    waiting.stop()
    first.stop()


def test_whoever_stood_still_for_longer_than_its_lease_takes_no_other_ones_token(etcd_endpoint: str) -> None:
    stopped = StoppedStore([etcd_endpoint])
    assert Leadership(stopped, "first", on_lost=lambda: None)._ask() is None
    assert stopped.get(keys.LEADER) == "second"
    stopped.close()


def test_whoever_waits_asks_for_nothing_until_it_is_told(store: Store, etcd_endpoint: str) -> None:
    first, _ = lead(store, "first")
    client = CountingClient([etcd_endpoint])
    waits, stopping, got = Store([etcd_endpoint], client=client), threading.Event(), threading.Event()
    waiting = Leadership(waits, "second", on_lost=lambda: None)

    def wait() -> None:
        if waiting.acquire(stopping) is not None:
            got.set()

    began = time.monotonic()
    threading.Thread(target=wait, daemon=True).start()
    assert not got.wait(TTL_SECONDS)
    # It lists what it watches and asks who leads, and is told of that; later it asks now and then.
    assert client.calls <= 3 + (time.monotonic() - began) / ASK_SECONDS
    first.stop()
    assert got.wait(60)
    assert store.get(keys.LEADER) == "second"
    waiting.stop()
    waits.close()


def test_a_lease_that_is_lost_is_told(store: Store) -> None:
    lost = threading.Event()
    leadership = Leadership(store, "first", on_lost=lost.set)
    assert leadership.acquire(threading.Event()) is not None
    store.revoke(leadership._lease)
    assert lost.wait(60)


def test_a_lease_whose_end_is_to_be_outlived_ends_nothing(store: Store) -> None:
    lost = threading.Event()
    leadership = Leadership(store, "first", on_lost=lost.set)
    assert leadership.acquire(threading.Event()) is not None
    leadership.outlive()
    store.revoke(leadership._lease)
    assert leadership._stopped.wait(60)
    assert not lost.wait(0.3)


def test_a_silent_etcd_is_a_lost_lease_once_the_lease_has_ended(tmp_path: Path) -> None:
    etcd = EmbeddedEtcd(tmp_path)
    store = Store([etcd.start()])
    lost = threading.Event()
    leadership = Leadership(store, "first", on_lost=lost.set)
    try:
        assert leadership.acquire(threading.Event()) is not None
        assert etcd._process is not None
        etcd._process.send_signal(signal.SIGSTOP)
        # A call waits up to CALL_SECONDS for its answer, which is longer than the lease lasts.
        assert lost.wait(TTL_SECONDS + 2)
    finally:
        assert etcd._process is not None
        etcd._process.send_signal(signal.SIGCONT)
        leadership.stop()
        store.close()
        etcd.stop()


def test_a_lease_whose_store_was_closed_is_kept_alive_no_more(
    etcd_endpoint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    store = Store([etcd_endpoint])
    store.delete_prefix("")
    before = {*threading.enumerate()}
    leadership, _ = lead(store, "first")
    keeping = next(thread for thread in {*threading.enumerate()} - before if thread.name == "lease")
    store.close()
    keeping.join(60)
    assert not keeping.is_alive()
    leadership.stop()
    assert capfd.readouterr().err == ""
