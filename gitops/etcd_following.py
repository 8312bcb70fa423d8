"""A prefix of etcd is followed: what is there, then each change, across restarts of etcd and of the network."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import grpc
import structlog

from gitops.etcd_client import CALL_SECONDS, FAULTS, EtcdClient
from gitops.etcd_text import text_of
from gitops.etcd_watch import Watch
from model.errors import Refused

log = structlog.get_logger()

RETRY_SECONDS = 1.0

# Hears a key and what it holds, None where it was removed.
OnChange = Callable[[str, str | None], None]


class Following:
    """A running `Store.follow`; stop it with `stop()` or by leaving its `with` block."""

    def __init__(
        self, client: EtcdClient, read: Callable[[], tuple[dict[str, str], int]], prefix: str, on_change: OnChange
    ) -> None:
        """`read` gives what is under the prefix, and the revision it was read at."""
        self._client = client
        self._read = read
        self._prefix = prefix
        self._on_change = on_change
        self._known: dict[str, str] = {}
        self._stopped = threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name=f"follow {prefix}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hear nothing more."""
        self._stopped.set()
        if (watch := self._watch) is not None:
            watch.cancel()
        self._thread.join(timeout=CALL_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ended(self) -> bool:
        return self._stopped.is_set() or self._client.closed

    def _run(self) -> None:
        while not self._ended():
            try:
                self._list_then_watch()
            except (Refused, *FAULTS) as error:
                if not self._ended():
                    log.warning("watch interrupted, listing again", prefix=self._prefix, error=_brief(error))
                    self._stopped.wait(RETRY_SECONDS)
            except Exception:
                if self._ended():
                    return
                # Whoever follows would wait for ever, and look alive.
                log.exception("a watch broke, listing again", prefix=self._prefix)
                self._stopped.wait(RETRY_SECONDS)

    def _list_then_watch(self) -> None:
        # A watch ends with its server and cannot reach behind a compaction: listing first makes up for both.
        found, revision = self._read()
        for key in self._known.keys() - found.keys():
            self._hear(key, None)
        for key, value in found.items():
            if self._known.get(key) != value:
                self._hear(key, value)
        watch = self._watch = self._client.watch(self._prefix, revision + 1)
        try:
            if self._stopped.is_set():
                return
            for held_key, held in watch:
                key = text_of(held_key, held_key)
                self._hear(key, None if held is None else text_of(held_key, held))
        finally:
            self._client.forget(watch)

    def _hear(self, key: str, value: str | None) -> None:
        if self._stopped.is_set():
            return
        if value is None:
            self._known.pop(key, None)
        else:
            self._known[key] = value
        try:
            self._on_change(key, value)
        except Exception:
            log.exception("a change could not be handled", key=key)


def _brief(error: Exception) -> str:
    return str(error.code()) if isinstance(error, grpc.Call) else str(error) or type(error).__name__
