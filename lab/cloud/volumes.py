"""Volumes: disks of their own, which cost whether or not a server uses them. That one is attached is only noted: the
lab's hosts see no disk."""

from aiohttp import web
from pydantic import Field

from lab.cloud.bodies import Body, IdOrName, Labels, Name, read_body
from lab.cloud.catalog_api import view_location
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import Server, Volume
from lab.cloud.errors import ApiError, invalid_input
from lab.cloud.listing import Json
from lab.cloud.project import Project, ref
from lab.cloud.resource import ProtectableResource, action_response

SMALLEST_GB = 10


class CreateVolume(Body):
    name: Name
    size: int = Field(ge=SMALLEST_GB, le=10_240)
    location: IdOrName | None = None
    server: int | None = None
    automount: bool | None = None
    format: str | None = None
    labels: Labels = Field(default_factory=dict)


class AttachVolume(Body):
    server: int
    automount: bool | None = None


class Volumes(ProtectableResource[Volume]):
    plural = "volumes"

    def __init__(self, project: Project) -> None:
        super().__init__(project, project.volumes)

    def routes(self) -> list[web.RouteDef]:
        actions = "/volumes/{id}/actions"
        return [
            *super().routes(),
            web.post("/volumes", self.create),
            web.post(f"{actions}/attach", self.attach),
            web.post(f"{actions}/detach", self.detach),
        ]

    def view(self, item: Volume) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "size": item.size,
            "server": self._server_of(item),
            "status": "available",
            "location": view_location(item.location),
            "linux_device": f"/dev/disk/by-id/scsi-0HC_Volume_{item.id}",
            "format": None,
            "protection": {"delete": item.protected},
            "labels": item.labels,
            "created": timestamp(item.created),
        }

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, CreateVolume)
        if body.server is not None:
            raise ApiError("unsupported_error", "the lab attaches a volume once it is there")
        if body.location is None:
            raise invalid_input("location", "must be given when there is no server")
        self.collection.refuse_taken(body.name)
        item = Volume(
            id=self.project.next_id(),
            name=body.name,
            created=now(),
            labels=body.labels,
            size=body.size,
            location=self.project.locations.find(body.location),
        )
        self.collection.add(item)
        seconds = self.project.settings.action_seconds
        action = self.project.actions.start("create_volume", ref(item), seconds=seconds)
        answer = {"volume": self.view(item), "action": action.view(), "next_actions": []}
        return web.json_response(answer, status=201)

    async def attach(self, request: web.Request) -> web.Response:
        item = self.unlocked(request)
        server = self.project.servers.get((await read_body(request, AttachVolume)).server)
        if self._server_of(item) is not None:
            raise ApiError("volume_already_attached", "the volume is attached to a server already")
        item.server = server.id
        return self._begin("attach_volume", item, server)

    async def detach(self, request: web.Request) -> web.Response:
        item = self.unlocked(request)
        number = self._server_of(item)
        if number is None:
            raise invalid_input("volume", "is attached to no server")
        item.server = None
        return self._begin("detach_volume", item, self.project.servers.get(number))

    async def remove(self, item: Volume) -> web.Response:
        # The documentation wants it detached, and does not say by which code it refuses.
        if self._server_of(item) is not None:
            raise ApiError("resource_in_use", "the volume is attached to a server")
        return await super().remove(item)

    def _begin(self, command: str, item: Volume, server: Server) -> web.Response:
        seconds = self.project.settings.action_seconds
        return action_response(self.project.actions.start(command, ref(item), ref(server), seconds=seconds))

    def _server_of(self, item: Volume) -> int | None:
        """The server that it is attached to; with one that is deleted it is free."""
        return item.server if any(server.id == item.server for server in self.project.servers) else None
