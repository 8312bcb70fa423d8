"""Volumes: disks of their own, which cost whether or not a server uses them. The lab attaches none to its hosts."""

from aiohttp import web
from pydantic import Field

from lab.cloud.bodies import Body, IdOrName, Labels, Name, read_body
from lab.cloud.catalog_api import view_location
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import Volume
from lab.cloud.errors import ApiError, invalid_input
from lab.cloud.listing import Json
from lab.cloud.project import Project, ref
from lab.cloud.resource import ProtectableResource

SMALLEST_GB = 10


class CreateVolume(Body):
    name: Name
    size: int = Field(ge=SMALLEST_GB, le=10_240)
    location: IdOrName | None = None
    server: int | None = None
    automount: bool | None = None
    format: str | None = None
    labels: Labels = Field(default_factory=dict)


class Volumes(ProtectableResource[Volume]):
    plural = "volumes"

    def __init__(self, project: Project) -> None:
        super().__init__(project, project.volumes)

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.post("/volumes", self.create)]

    def view(self, item: Volume) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "size": item.size,
            "server": None,
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
            raise ApiError("unsupported_error", "the lab attaches no volumes")
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
