"""Floating IPs: public addresses that are routed to one server or another. The host itself must take the address up."""

from collections.abc import Callable, Mapping

from aiohttp import web
from pydantic import Field

from lab.cloud.actions import Action
from lab.cloud.bodies import Body, IdOrName, Labels, Name, Update, read_body
from lab.cloud.catalog_api import view_location
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import FloatingIp, IpType, Server
from lab.cloud.errors import invalid_input
from lab.cloud.listing import Json
from lab.cloud.machines import point
from lab.cloud.primary_ips import dns_ptr
from lab.cloud.project import ref
from lab.cloud.resource import ProtectableResource, action_response


class CreateFloatingIp(Body):
    type: IpType
    name: Name | None = None
    description: str = ""
    home_location: IdOrName | None = None
    server: int | None = None
    labels: Labels = Field(default_factory=dict)


class UpdateFloatingIp(Update):
    description: str | None = None


class Assign(Body):
    server: int


class FloatingIps(ProtectableResource[FloatingIp]):
    plural = "floating_ips"
    update_body = UpdateFloatingIp

    def routes(self) -> list[web.RouteDef]:
        one = "/floating_ips/{id}/actions"
        return [
            *super().routes(),
            web.post("/floating_ips", self.create),
            web.post(f"{one}/assign", self.assign),
            web.post(f"{one}/unassign", self.unassign),
        ]

    def extra_filters(self) -> Mapping[str, Callable[[FloatingIp], str]]:
        return {"ip": lambda item: item.ip}

    def view(self, item: FloatingIp) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "description": item.description,
            "type": item.type,
            "ip": item.ip,
            "server": item.server_id,
            "blocked": False,
            "dns_ptr": [{"ip": item.ip, "dns_ptr": dns_ptr(item.ip)}] if item.type == "ipv4" else [],
            "home_location": view_location(item.home_location),
            "protection": {"delete": item.protected},
            "labels": item.labels,
            "created": timestamp(item.created),
        }

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, CreateFloatingIp)
        if body.name is not None:
            self.collection.refuse_taken(body.name)
        item = self._new(body)
        self.collection.add(item)
        action = None
        if body.server is not None:
            action = self._move("assign_floating_ip", item, self.project.servers.get(body.server)).view()
        return web.json_response({"floating_ip": self.view(item), "action": action}, status=201)

    def _new(self, body: CreateFloatingIp) -> FloatingIp:
        if body.server is not None:
            location = self.project.servers.get(body.server).location
        elif body.home_location is not None:
            location = self.project.locations.find(body.home_location)
        else:
            raise invalid_input("home_location", "must be given when there is no server")
        item_id = self.project.next_id()
        return FloatingIp(
            id=item_id,
            name=body.name or f"floating-ip-{item_id}",
            created=now(),
            labels=body.labels,
            type=body.type,
            ip=self.project.take_floating_ip(body.type),
            description=body.description,
            home_location=location,
            server_id=body.server,
        )

    def apply_update(self, item: FloatingIp, body: Update) -> None:
        super().apply_update(item, body)
        if isinstance(body, UpdateFloatingIp) and body.description is not None:
            item.description = body.description

    async def remove(self, item: FloatingIp) -> web.Response:
        await point(self.project, item, None)
        self.project.free_floating_ip(item.type, item.ip)
        return await super().remove(item)

    async def assign(self, request: web.Request) -> web.Response:
        item = self.unlocked(request)
        server = self.project.servers.get((await read_body(request, Assign)).server)
        self.project.actions.refuse_locked(ref(server))
        return action_response(self._move("assign_floating_ip", item, server))

    async def unassign(self, request: web.Request) -> web.Response:
        return action_response(self._move("unassign_floating_ip", self.unlocked(request), None))

    def _move(self, command: str, item: FloatingIp, server: Server | None) -> Action:
        resources = (ref(item),) if server is None else (ref(item), ref(server))
        return self.project.actions.start(
            command,
            *resources,
            seconds=self.project.settings.move_seconds,
            work=lambda: point(self.project, item, server),
        )
