"""A lab with its cloud, in a thread of its own: machines that are rented there boot for real."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from hcloud import Client

from lab.cloud.server import CloudApi
from lab.lab import Lab

T = TypeVar("T")

TOKEN = "the-token-of-this-project"


class RentedHosts:
    """Up when made; `stop()` leaves nothing behind."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.lab = self._call(Lab.up(f"exec-{os.getpid()}"))
        self.cloud = CloudApi(
            self.lab.machines,
            map(str, self.lab.host_addresses),
            TOKEN,
            floating_addresses=map(str, self.lab.floating_addresses),
        )
        self.url = self._call(self.cloud.start())
        self.client = Client(TOKEN, api_endpoint=self.url)

    def stop(self) -> None:
        """End the cloud and every host."""
        self._call(self.cloud.stop())
        self._call(self.lab.down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut_power(self, node: str) -> None:
        """What happens to a machine that dies."""
        self._call(self.lab.machines.power_off(node))

    def reboot(self, node: str) -> None:
        """Off and on again, with the same disk."""
        self._call(self.lab.machines.reboot(node))

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=300)
