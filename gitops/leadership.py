"""Leadership: an etcd lease that is kept alive, and the fencing token that goes with it."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from gitops.store import Fence, Store
from model import keys
from model.errors import Refused

log = structlog.get_logger()

TTL_SECONDS = 6
KEEP_ALIVE_SECONDS = 1.5
ASK_SECONDS = 0.5
WATCH_SECONDS = 0.2
LONG_AGO = float("-inf")


class Leadership:
    """Waits until no other controller leads, then leads until `stop()`, or until the lease is lost."""

    def __init__(self, store: Store, name: str, on_lost: Callable[[], None]) -> None:
        self._store = store
        self._name = name
        self._on_lost = on_lost
        self._stopped = threading.Event()
        self._lease: Any = None
        self._renewed = LONG_AGO

    def acquire(self, stopping: threading.Event) -> Fence | None:
        """Block until this controller leads; None once `stopping` is set."""
        told = False
        while not stopping.is_set():
            try:
                self._renewed = time.monotonic()
                self._lease = self._lease or self._store.lease(TTL_SECONDS)
                if not self._store.keep_alive(self._lease):
                    self._lease = self._store.lease(TTL_SECONDS)
                token = self._store.put_leased(keys.LEADER, self._name, self._lease)
            except Refused as error:
                log.warning("leadership cannot be asked for", error=error.sentence)
                token, self._lease = None, None
            if token is not None:
                for work in (self._keep_alive, self._watch_the_clock):
                    threading.Thread(target=work, name="leadership", daemon=True).start()
                log.info("leading", token=token)
                return Fence(keys.LEADER, token)
            if not told:
                told = True
                log.info("another controller leads, or led until just now; waiting")
            stopping.wait(ASK_SECONDS)
        return None

    @property
    def lease(self) -> Any:
        """What leadership, and whatever is locked by the leader, ends with."""
        return self._lease

    def outlive(self) -> None:
        """Have the lease's end no longer end the program: what is left to do needs no etcd, and ends it."""
        self._on_lost = lambda: None

    def stop(self) -> None:
        """Give leadership back at once, so that the next controller need not wait for the lease's end."""
        self._stopped.set()
        if self._lease is not None:
            with contextlib.suppress(Refused):
                self._store.revoke(self._lease)

    def _keep_alive(self) -> None:
        while not self._stopped.wait(KEEP_ALIVE_SECONDS):
            asked = time.monotonic()
            try:
                self._renewed = asked if self._store.keep_alive(self._lease) else LONG_AGO
            except Refused as error:
                log.warning("the lease could not be renewed", error=error.sentence)

    def _watch_the_clock(self) -> None:
        # Not left to the renewal, which may wait for its answer until after the lease has ended.
        while not self._stopped.wait(WATCH_SECONDS):
            if time.monotonic() - self._renewed > TTL_SECONDS:
                log.error("leadership is lost")
                self._stopped.set()
                self._on_lost()
