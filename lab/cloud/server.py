"""The cloud's door: the aiohttp application, and starting and stopping it."""

import socket
from collections.abc import Iterable

from aiohttp import web

from lab.cloud.backend import MachineBackend
from lab.cloud.catalog_api import catalog_routes
from lab.cloud.control import Control
from lab.cloud.faults import Faults
from lab.cloud.firewalls import Firewalls
from lab.cloud.floating_ips import FloatingIps
from lab.cloud.middleware import (
    BASE_PATH,
    authentication,
    errors,
    fault_injection,
    logging,
    rate_limiting,
)
from lab.cloud.networks import Networks
from lab.cloud.placement_groups import PlacementGroups
from lab.cloud.primary_ips import PrimaryIps
from lab.cloud.project import Project
from lab.cloud.rate_limit import RateLimit
from lab.cloud.request_log import RequestLog
from lab.cloud.resource import action_routes
from lab.cloud.rrsets import RrSets
from lab.cloud.servers import Servers
from lab.cloud.settings import CloudSettings
from lab.cloud.ssh_keys import SshKeys
from lab.cloud.volumes import Volumes
from lab.cloud.zones import Zones

CONTROL_PATH = "/lab"


class CloudApi:
    """One project of the cloud, with the public IPv4 addresses that its servers and its floating IPs may get.

    `more_control` are further routes of the lab's own door.
    """

    def __init__(
        self,
        backend: MachineBackend,
        addresses: Iterable[str],
        token: str,
        settings: CloudSettings | None = None,
        *,
        floating_addresses: Iterable[str] = (),
    ) -> None:
        settings = settings or CloudSettings()
        self.project = Project(backend, addresses, settings, floating_addresses)
        self.faults = Faults()
        self.requests = RequestLog()
        self.rate_limit = RateLimit(settings.requests_per_hour)
        self.more_control: list[web.RouteDef] = []
        self._token = token
        self._runner: web.AppRunner | None = None

    def app(self) -> web.Application:
        api = web.Application(
            middlewares=[
                logging(self.requests),
                errors,
                authentication(self._token),
                rate_limiting(self.rate_limit),
                fault_injection(self.faults),
            ]
        )
        api.add_routes(self._api_routes())
        control = web.Application(middlewares=[errors])
        control.add_routes(Control(self.project, self.faults, self.requests, self.rate_limit).routes())
        control.add_routes(self.more_control)
        app = web.Application()
        app.add_subapp(BASE_PATH, api)
        app.add_subapp(CONTROL_PATH, control)
        app.on_cleanup.append(self._close)
        return app

    async def start(self, door: socket.socket | None = None) -> str:
        """Listen at a door, or on loopback at a free port, and return the URL for the clients."""
        door = door or socket.create_server(("127.0.0.1", 0))
        self._runner = web.AppRunner(self.app(), access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, door).start()
        host, port = door.getsockname()[:2]
        return f"http://{host}:{port}{BASE_PATH}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _api_routes(self) -> list[web.RouteDef]:
        project = self.project
        placement_groups = PlacementGroups(project, project.placement_groups)
        return [
            *action_routes(project),
            *catalog_routes(project),
            *placement_groups.routes(),
            *SshKeys(project, project.ssh_keys).routes(),
            *Networks(project, project.networks).routes(),
            *Firewalls(project, project.firewalls).routes(),
            *FloatingIps(project, project.floating_ips).routes(),
            *PrimaryIps(project, project.primary_ips).routes(),
            *Servers(project, placement_groups).routes(),
            *Volumes(project).routes(),
            *Zones(project, project.zones).routes(),
            *RrSets(project).routes(),
        ]

    async def _close(self, _: web.Application) -> None:
        await self.project.actions.close()
