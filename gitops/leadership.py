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

TTL_SECONDS = 5
KEEP_ALIVE_SECONDS = 1.2
# How often whoever waits asks with no reason to: it is told by a watch when nobody leads any more.
ASK_SECONDS = 5.0
# How soon it asks again where etcd did not say.
AGAIN_SECONDS = 0.5
LOOK_SECONDS = 0.2
WATCH_SECONDS = 0.2
LONG_AGO = float("-inf")


class Leadership:
    """Waits until no other controller leads, then leads until `stop()`, or until the lease is lost."""

    def __init__(self, store: Store, name: str, on_lost: Callable[[], None]) -> None:
        """`name` is what others see of it: its node, where it has one."""
        self._store = store
        self._name = name
        self._on_lost = on_lost
        self._stopped = threading.Event()
        self._lease: Any = None
        self._renewed = LONG_AGO

    def acquire(self, stopping: threading.Event) -> Fence | None:
        """Block until this controller leads; None once `stopping` is set."""
        told, refused, look = False, False, threading.Event()
        with self._store.follow(keys.LEADER, lambda *_: look.set()):
            while not stopping.is_set():
                look.clear()
                pause = ASK_SECONDS
                try:
                    fence = self._ask()
                except Refused as error:
                    if not refused:
                        log.warning("leadership cannot be asked for", error=error.sentence)
                    fence, pause, refused = None, AGAIN_SECONDS, True
                else:
                    refused = False
                if fence is not None:
                    for name, work in (("lease", self._keep_alive), ("lease clock", self._watch_the_clock)):
                        threading.Thread(target=work, name=name, daemon=True).start()
                    log.info("leading", token=fence.told)
                    return fence
                if not told and pause == ASK_SECONDS:
                    told = True
                    log.info("another controller leads, or led until just now; waiting")
                until = _now() + pause
                while not (stopping.is_set() or look.wait(LOOK_SECONDS) or _now() > until):
                    pass
        return None

    def _ask(self) -> Fence | None:
        """Leadership, where nobody has it. A lease that is for nothing ends by itself."""
        if self._store.get(keys.LEADER) is not None:
            return None
        epoch = self._store.epoch()
        self._renewed = _now()
        self._lease = self._store.lease(TTL_SECONDS)
        try:
            token = self._store.put_leased(keys.LEADER, self._name, self._lease)
            # With a slow etcd most of the lease is over by now, or all of it.
            return Fence(keys.LEADER, token, epoch) if token is not None and self._renew() else None
        except Refused:
            # It may be this controller's now, which does not know it; others need not wait for the lease's end.
            self._end_lease()
            raise

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
        self._end_lease()

    def _end_lease(self) -> None:
        if self._lease is not None:
            with contextlib.suppress(Refused):
                self._store.revoke(self._lease)

    def _keep_alive(self) -> None:
        while not self._stopped.wait(KEEP_ALIVE_SECONDS):
            try:
                self._renew()
            except Refused as error:
                if self._stopped.is_set() or self._store.closed:
                    return
                log.warning("the lease could not be renewed", error=error.sentence)

    def _renew(self) -> bool:
        asked = _now()
        is_kept = self._store.keep_alive(self._lease)
        self._renewed = asked if is_kept else LONG_AGO
        return is_kept

    def _watch_the_clock(self) -> None:
        # Not left to the renewal, which may wait for its answer until after the lease has ended.
        while not self._stopped.wait(WATCH_SECONDS):
            if _now() - self._renewed > TTL_SECONDS:
                log.error("leadership is lost")
                self._stopped.set()
                self._on_lost()


def _now() -> float:
    # Goes on while the machine sleeps, as the lease does.
    return time.clock_gettime(time.CLOCK_BOOTTIME)
