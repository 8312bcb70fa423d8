"""An event loop in a thread of its own, for what is asynchronous in tests that are not."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs until `stop()`; no call takes longer than `within` seconds."""

    def __init__(self, within: float = 10.0) -> None:
        self._within = within
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of work that is done there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=self._within)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
