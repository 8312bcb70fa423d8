"""One watch of etcd, on a stream of its own: it ends with an error, or when it is cancelled, and never silently."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from etcd3 import etcdrpc, utils

from model.errors import Unreadable


class Watch:
    """The changes under a prefix from a revision on, in the order they were made."""

    def __init__(
        self, channel: grpc.Channel, prefix: str, revision: int, metadata: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._prefix = prefix
        key = prefix.encode()
        # etcd has no empty key: everything is the range from the first one.
        self._request = etcdrpc.WatchRequest(
            create_request=etcdrpc.WatchCreateRequest(
                key=key or b"\0", range_end=utils.prefix_range_end(key) if key else b"\0", start_revision=revision
            )
        )
        self._ended = threading.Event()
        self._answers = etcdrpc.WatchStub(channel).Watch(self._requests(), metadata=metadata)

    def __iter__(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Key and value, which is None for a removed key. Raises `grpc.RpcError` or `Unreadable` at its end."""
        try:
            for answer in self._answers:
                if answer.canceled or answer.compact_revision:
                    raise Unreadable(f"the watch of {self._prefix} was refused: {answer.cancel_reason or 'compacted'}")
                for event in answer.events:
                    removed = event.type == event.DELETE
                    yield event.kv.key, None if removed else event.kv.value
            raise Unreadable(f"the watch of {self._prefix} ended")
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Hear nothing more; any thread may end it, also before anybody listens."""
        self._ended.set()
        self._answers.cancel()

    def _requests(self) -> Iterator[Any]:
        yield self._request
        # The stream ends with its requests.
        self._ended.wait()
