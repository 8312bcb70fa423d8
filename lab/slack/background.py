"""The lab's Slack for callers without an event loop: it runs in a thread of its own."""

import asyncio
import threading
from types import TracebackType
from typing import Self

from lab.slack.server import SlackApi


class BackgroundSlack:
    """`with BackgroundSlack(SlackApi()) as slack:` serves until the end of the block."""

    def __init__(self, api: SlackApi, port: int = 0) -> None:
        self.api = api
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab-slack", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.api.start(port=self._port), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.api.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
