"""A question that several members of etcd are asked, one while others are still silent: the first answer counts."""

import queue
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from gitops.etcd_endpoint import Endpoint

T = TypeVar("T")


class Asking(Generic[T]):
    """Each is asked in a thread of the pool, by an action with etcd3's client."""

    def __init__(self, pool: ThreadPoolExecutor, action: Callable[[Any], T]) -> None:
        self._pool = pool
        self._action = action
        self._answers = queue.SimpleQueue[tuple[Endpoint, Future[T]]]()
        self._silent = 0
        self._asked: list[Future[T]] = []
        # How many times somebody was asked, each of whom may carry it out.
        self.times = 0

    def ask(self, member: Endpoint) -> None:
        """Ask one more, or one once more."""
        self.times += 1
        self._silent += 1
        asked = self._pool.submit(self._action, member.client)
        self._asked.append(asked)
        asked.add_done_callback(lambda answer: self._answers.put((member, answer)))

    def hear(self, until: float) -> tuple[Endpoint, Future[T]] | None:
        """The next answer, whatever it is; None where none comes by then."""
        if not self._silent:
            return None
        try:
            member, answer = self._answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None
        self._silent -= 1
        return member, answer

    def end(self) -> None:
        """Whoever was not asked yet need not be."""
        for asked in self._asked:
            asked.cancel()
