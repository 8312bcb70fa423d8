"""A cloud with its name server, in a thread of its own, for the blocking clients."""

from typing import Any

import requests
from hcloud import Client
from hcloud.images import Image
from hcloud.server_types import ServerType

from lab.cloud.server import CloudApi
from lab.cloud.settings import CloudSettings
from lab.dns.control import control_routes
from lab.dns.server import DnsServer, Sockets
from tests.lab.cloud.memory_backend import MemoryBackend
from tests.loop_thread import LoopThread

AnyClient = Any
"""A `hcloud.Client`, which types every field of an answer as optional: too strict for tests."""

TOKEN = "the-token-of-this-project"
QUICK = CloudSettings(
    create_seconds=0.05,
    start_seconds=0.02,
    delete_seconds=0.02,
    action_seconds=0.01,
    move_seconds=0.01,
    requests_per_hour=100_000,
    placement_group_limit=1000,
)
DEBIAN = Image(name="debian-12")
CX22 = ServerType(name="cx22")


class RunningCloud:
    def __init__(self, settings: CloudSettings = QUICK, addresses: int = 20) -> None:
        self.backend = MemoryBackend()
        self.api = CloudApi(
            self.backend,
            (f"10.77.0.{host}" for host in range(10, 10 + addresses)),
            TOKEN,
            settings,
            floating_addresses=(f"10.78.0.{host}" for host in range(1, 1 + addresses)),
        )
        self.dns = DnsServer(self.api.project.zones)
        self.api.more_control += control_routes(self.dns)
        self._loop = LoopThread()
        self.url = self._loop.call(self.api.start())
        sockets = Sockets.bound("127.0.0.1")
        self.dns_port: int = sockets.udp.getsockname()[1]
        self._loop.call(self.dns.start(sockets))
        self.client = self.client_with(TOKEN)

    def client_with(self, token: str) -> AnyClient:
        return Client(token, api_endpoint=self.url, poll_interval=0.01)

    def stop(self) -> None:
        self._loop.call(self.dns.stop())
        self._loop.call(self.api.stop())
        self._loop.stop()

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = requests.request(method, self.url.removesuffix("/v1") + "/lab" + path, json=body, timeout=5)
        response.raise_for_status()
        return response.json() if response.content else None

    def raw(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return requests.request(method, self.url + path, headers=headers, timeout=5, **kwargs)

    def server(self, name: str, **options: Any) -> Any:
        """A server that runs."""
        response = self.client.servers.create(name, CX22, DEBIAN, **options)
        for action in (response.action, *response.next_actions):
            action.wait_until_finished()
        response.server.reload()
        return response.server
