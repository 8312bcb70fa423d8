"""The live feed of a workspace: what the page hears, as it happens."""

import asyncio
from collections.abc import AsyncIterator

from lab.slack.wire import Json


class Feed:
    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Json | None]] = set()

    def publish(self, event: Json) -> None:
        for queue in self._listeners:
            queue.put_nowait(event)

    async def listen(self) -> AsyncIterator[Json]:
        """Events from now until the feed is closed."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        for queue in self._listeners:
            queue.put_nowait(None)
