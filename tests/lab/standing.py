"""Surroundings in a thread of their own, for the blocking clients."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from hcloud import Client
from hcloud.images import Image
from hcloud.server_types import ServerType

from lab.naming import LabFolders
from lab.surroundings import CLOUD_TOKEN, Surroundings
from tests.lab.cloud.running_cloud import AnyClient
from tests.lab.ssh import KeyPair, connect, user_data

T = TypeVar("T")


class Standing:
    """Up when made; `stop()` leaves nothing behind."""

    def __init__(self, name: str, folders: LabFolders) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.around = self._call(Surroundings.up(name, folders=folders))
        self.client: AnyClient = Client(CLOUD_TOKEN, api_endpoint=self.around.cloud_url, poll_interval=0.02)

    def stop(self) -> None:
        self._call(self.around.down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def servers(self, client_key: KeyPair, **host_keys: KeyPair) -> list[AnyClient]:
        """Servers by name, started side by side with these host keys; SSH is up."""
        kind, image = ServerType(name="cx22"), Image(name="debian-12")
        answers = [
            self.client.servers.create(name, kind, image, user_data=user_data(key, client_key))
            for name, key in host_keys.items()
        ]
        for answer, key in zip(answers, host_keys.values(), strict=True):
            for action in (answer.action, *answer.next_actions):
                action.wait_until_finished()
            connect(answer.server.public_net.ipv4.ip, key, client_key).close()
        return [answer.server for answer in answers]

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=300)
