"""What can be done to a server: power, networks, placement, protection."""

from typing import Protocol

from aiohttp import web

from lab.cloud.actions import ResourceRef, Work, nothing_more
from lab.cloud.bodies import Body, read_body
from lab.cloud.entities import Server
from lab.cloud.errors import ApiError, invalid_input
from lab.cloud.machines import boot
from lab.cloud.networks import choose_address
from lab.cloud.placement_groups import refuse_full
from lab.cloud.project import Project, ref
from lab.cloud.resource import action_response


class AttachToNetwork(Body):
    network: int
    ip: str | None = None


class DetachFromNetwork(Body):
    network: int


class AddToPlacementGroup(Body):
    placement_group: int


class ServerLookup(Protocol):
    def unlocked(self, request: web.Request) -> Server: ...


class ServerActions:
    def __init__(self, project: Project, servers: ServerLookup) -> None:
        self._project = project
        self._servers = servers

    def routes(self) -> list[web.RouteDef]:
        handlers = {
            "poweron": self.power_on,
            "poweroff": self.power_off,
            "reboot": self.reboot,
            "reset": self.reset,
            "shutdown": self.shutdown,
            "attach_to_network": self.attach_to_network,
            "detach_from_network": self.detach_from_network,
            "add_to_placement_group": self.add_to_placement_group,
            "remove_from_placement_group": self.remove_from_placement_group,
        }
        return [web.post(f"/servers/{{id}}/actions/{name}", handler) for name, handler in handlers.items()]

    async def power_on(self, request: web.Request) -> web.Response:
        server = self._servers.unlocked(request)

        async def work() -> None:
            if server.status != "running":
                await boot(self._project, server)

        return self._start("start_server", server, work)

    async def power_off(self, request: web.Request) -> web.Response:
        server = self._servers.unlocked(request)

        async def work() -> None:
            if server.status != "off":
                await self._project.backend.power_off(server.machine)
                server.status = "off"

        return self._start("stop_server", server, work)

    async def reboot(self, request: web.Request) -> web.Response:
        server = self._running(request)
        return self._start("reboot_server", server, lambda: self._project.backend.reboot(server.machine))

    async def reset(self, request: web.Request) -> web.Response:
        server = self._running(request)

        async def work() -> None:
            await self._project.backend.power_off(server.machine)
            await self._project.backend.power_on(server.machine)

        return self._start("reset_server", server, work)

    async def shutdown(self, request: web.Request) -> web.Response:
        """The action only presses the power button: it succeeds before the server is off."""
        server = self._running(request)

        async def until_off() -> None:
            await self._project.backend.shutdown(server.machine)
            server.status = "off"

        async def work() -> None:
            self._project.actions.spawn(until_off())

        return self._start("shutdown_server", server, work)

    async def attach_to_network(self, request: web.Request) -> web.Response:
        server = self._servers.unlocked(request)
        body = await read_body(request, AttachToNetwork)
        network = self._project.networks.get(body.network)
        if network.id in server.private_addresses:
            raise ApiError("server_already_attached", "server is already attached to network")
        address = choose_address(self._project, network, server.location.network_zone, body.ip)
        server.private_addresses[network.id] = address
        return self._start("attach_to_network", server, nothing_more, ref(network))

    async def detach_from_network(self, request: web.Request) -> web.Response:
        server = self._servers.unlocked(request)
        network = self._project.networks.get((await read_body(request, DetachFromNetwork)).network)
        if network.id not in server.private_addresses:
            raise invalid_input("network", "the server is not attached to it")
        del server.private_addresses[network.id]
        return self._start("detach_from_network", server, nothing_more, ref(network))

    async def add_to_placement_group(self, request: web.Request) -> web.Response:
        server = self._stopped(request)
        body = await read_body(request, AddToPlacementGroup)
        group = self._project.placement_groups.get(body.placement_group)
        if server.placement_group is not None:
            raise ApiError("conflict", "server is already in a placement group")
        refuse_full(self._project, group)
        server.placement_group = group
        return self._start("add_to_placement_group", server)

    async def remove_from_placement_group(self, request: web.Request) -> web.Response:
        # Only to be put in one a server has to be off.
        server = self._servers.unlocked(request)
        server.placement_group = None
        return self._start("remove_from_placement_group", server)

    def _running(self, request: web.Request) -> Server:
        server = self._servers.unlocked(request)
        if server.status != "running":
            raise ApiError("server_error", "server is not running", status=409)
        return server

    def _stopped(self, request: web.Request) -> Server:
        server = self._servers.unlocked(request)
        if server.status != "off":
            raise ApiError("server_not_stopped", "server must be off for this")
        return server

    def _start(
        self,
        command: str,
        server: Server,
        work: Work = nothing_more,
        *others: ResourceRef,
    ) -> web.Response:
        action = self._project.actions.start(
            command,
            ref(server),
            *others,
            seconds=self._project.settings.action_seconds,
            work=work,
            locks=(ref(server),),
        )
        return action_response(action)
