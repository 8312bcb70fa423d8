"""Surroundings in a thread of their own, for the blocking clients."""

from hcloud import Client
from hcloud.images import Image
from hcloud.server_types import ServerType

from lab.naming import LabFolders
from lab.surroundings import CLOUD_TOKEN, Surroundings
from tests.lab.cloud.running_cloud import AnyClient
from tests.lab.ssh import KeyPair, connect, user_data
from tests.loop_thread import LoopThread


class Standing:
    """Up when made; `stop()` leaves nothing behind."""

    def __init__(self, name: str, folders: LabFolders) -> None:
        self._loop = LoopThread(within=300)
        self.around = self._loop.call(Surroundings.up(name, folders=folders))
        # Two minutes for an action: a host that boots on a busy machine takes its time.
        self.client: AnyClient = Client(
            CLOUD_TOKEN, api_endpoint=self.around.cloud_url, poll_interval=0.1, poll_max_retries=1200
        )

    def stop(self) -> None:
        self._loop.call(self.around.down())
        self._loop.stop()

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
