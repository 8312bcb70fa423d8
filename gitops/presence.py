"""Presence: a `flstr serve` tells in etcd that it runs on its controller, under a lease of its own."""

import contextlib
import threading
from typing import Any

import structlog

from gitops.etcd_client import CALL_SECONDS
from gitops.store import Store
from model import keys
from model.errors import Refused
from model.registered import ControllerRecord

log = structlog.get_logger()

TTL_SECONDS = 6
RENEW_SECONDS = 2.0


class Presence:
    """Tells from `start()` on, again where etcd has forgotten it, until `stop()` or its process ends."""

    def __init__(self, store: Store, record: ControllerRecord) -> None:
        self._store = store
        self._record = record
        self._lease: Any = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Tell it; returns at once, also where etcd does not answer."""
        self._thread.start()

    def stop(self) -> None:
        """Have it be known at once that it is gone."""
        self._stopped.set()
        self._thread.join(timeout=2 * CALL_SECONDS)
        if self._lease is not None:
            with contextlib.suppress(Refused):
                self._store.revoke(self._lease)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._tell()
            except Refused as error:
                if self._stopped.is_set() or self._store.closed:
                    return
                log.warning("nobody can be told that this controller runs", error=error.sentence)
            except Exception:
                # A thread that died would have it look gone.
                log.exception("the presence broke")
            self._stopped.wait(RENEW_SECONDS)

    def _tell(self) -> None:
        if self._lease is not None and self._store.keep_alive(self._lease):
            return
        lease = self._store.lease(TTL_SECONDS)
        # One that was killed here a moment ago may still be told of.
        self._store.put_with(lease, keys.controller(self._record.node), self._record.to_json())
        self._lease = lease


def present(store: Store) -> tuple[tuple[ControllerRecord, ...], str]:
    """The controllers that run, and who leads; empty where nobody does."""
    found = store.prefixes((keys.CONTROLLERS, keys.LEADER))
    leader = found.pop(keys.LEADER, "")
    return tuple(ControllerRecord.model_validate_json(text) for _, text in sorted(found.items())), leader
