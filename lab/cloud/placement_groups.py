"""Placement groups: servers of a group stand on different hosts."""

from collections.abc import Callable, Mapping
from typing import Literal

from aiohttp import web
from pydantic import Field

from lab.cloud.bodies import Body, Labels, Name, read_body
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import PlacementGroup
from lab.cloud.errors import ApiError
from lab.cloud.listing import Json
from lab.cloud.project import Project
from lab.cloud.resource import Resource

MAX_SERVERS = 10


class CreatePlacementGroup(Body):
    name: Name
    type: Literal["spread"]
    labels: Labels = Field(default_factory=dict)


def servers_in(project: Project, group: PlacementGroup) -> list[int]:
    return [server.id for server in project.servers if server.placement_group is group]


def refuse_full(project: Project, group: PlacementGroup) -> None:
    if len(servers_in(project, group)) >= MAX_SERVERS:
        sentence = f"placement group with ID {group.id} contains already {MAX_SERVERS} servers"
        raise ApiError("placement_group_member_limit_reached", sentence)


class PlacementGroups(Resource[PlacementGroup]):
    plural = "placement_groups"

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.post("/placement_groups", self.create)]

    def extra_filters(self) -> Mapping[str, Callable[[PlacementGroup], str]]:
        return {"type": lambda group: group.type}

    def view(self, item: PlacementGroup) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "labels": item.labels,
            "type": item.type,
            "servers": servers_in(self.project, item),
            "created": timestamp(item.created),
        }

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, CreatePlacementGroup)
        self.collection.refuse_taken(body.name)
        if len(self.collection) >= self.project.settings.placement_group_limit:
            raise ApiError("resource_limit_exceeded", "placement group limit exceeded")
        group = PlacementGroup(
            id=self.project.next_id(), name=body.name, created=now(), labels=body.labels, type=body.type
        )
        self.collection.add(group)
        return web.json_response({"placement_group": self.view(group), "action": None}, status=201)

    async def remove(self, item: PlacementGroup) -> web.Response:
        if servers_in(self.project, item):
            raise ApiError("resource_in_use", "placement group still has servers")
        return await super().remove(item)
