"""How soon a change in etcd is heard."""

import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import etcd3

from bench import servers
from bench.figures import Figure, Group
from gitops.store import Store

CHANGES = 300
WARM_UP = 20


def measure(folder: Path) -> Iterator[Group]:
    """From a put to the follower that hears it, over a raw watch of the same client library."""
    with servers.etcd(folder) as endpoint:
        followed, raw = _followed(endpoint), _raw(endpoint)
    yield Group(
        "etcd: from put to seen",
        (Figure("Store.put, Store.follow", followed), Figure("etcd3's put and watch", raw, "floor")),
    )


def _followed(endpoint: str) -> tuple[float, ...]:
    store = Store([endpoint])
    seen: queue.SimpleQueue[float] = queue.SimpleQueue()
    with store.follow("bench/", lambda _key, _value: seen.put(time.perf_counter())):
        seconds = _changes(lambda value: store.put("bench/key", value), seen)
    store.close()
    return seconds


def _raw(endpoint: str) -> tuple[float, ...]:
    host, _, port = endpoint.removeprefix("http://").rpartition(":")
    client = etcd3.client(host=host, port=int(port))
    seen: queue.SimpleQueue[float] = queue.SimpleQueue()
    watch = client.add_watch_callback("raw", lambda _response: seen.put(time.perf_counter()))
    seconds = _changes(lambda value: client.put("raw", value), seen)
    client.cancel_watch(watch)
    client.close()
    return seconds


def _changes(put: Callable[[str], object], seen: "queue.SimpleQueue[float]") -> tuple[float, ...]:
    seconds = []
    for number in range(WARM_UP + CHANGES):
        began = time.perf_counter()
        put(str(number))
        seconds.append(seen.get(timeout=10) - began)
    return tuple(seconds[WARM_UP:])
