"""Primary IPs: the public addresses of servers. Assigning to an existing server is not offered: no lab host could
change its address."""

from collections.abc import Callable, Mapping

from aiohttp import web
from pydantic import Field

from lab.cloud.bodies import Body, IdOrName, Labels, Name, Update, read_body
from lab.cloud.catalog import Location
from lab.cloud.catalog_api import view_datacenter, view_location
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import IpType, PrimaryIp
from lab.cloud.errors import ApiError, invalid_input
from lab.cloud.listing import Json
from lab.cloud.project import Project
from lab.cloud.resource import ProtectableResource


class CreatePrimaryIp(Body):
    name: Name
    type: IpType
    location: IdOrName | None = None
    datacenter: IdOrName | None = None
    assignee_id: int | None = None
    auto_delete: bool = False
    labels: Labels = Field(default_factory=dict)


class UpdatePrimaryIp(Update):
    auto_delete: bool | None = None


def dns_ptr(ip: str) -> str:
    """The reverse name an address has until somebody sets one."""
    return f"static.{'.'.join(reversed(ip.split('.')))}.clients.cloud.lab"


def new_primary_ip(
    project: Project,
    kind: IpType,
    location: Location,
    *,
    name: str | None = None,
    auto_delete: bool = True,
    labels: dict[str, str] | None = None,
) -> PrimaryIp:
    ip_id = project.next_id()
    primary_ip = PrimaryIp(
        id=ip_id,
        name=name or f"primary_ip-{ip_id}",
        created=now(),
        labels=labels or {},
        type=kind,
        ip=project.take_ip(kind),
        location=location,
        auto_delete=auto_delete,
    )
    project.primary_ips.add(primary_ip)
    return primary_ip


def release_primary_ip(project: Project, primary_ip: PrimaryIp) -> None:
    """After its server is gone."""
    primary_ip.server_id = None
    if primary_ip.auto_delete:
        project.primary_ips.remove(primary_ip)
        project.free_ip(primary_ip.type, primary_ip.ip)


def location_asked_for(project: Project, location: IdOrName | None, datacenter: IdOrName | None) -> Location | None:
    """Older clients name a data centre of the location instead."""
    if location is not None:
        return project.locations.find(location)
    return None if datacenter is None else project.datacenters.find(datacenter).location


class PrimaryIps(ProtectableResource[PrimaryIp]):
    plural = "primary_ips"
    update_body = UpdatePrimaryIp

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            web.post("/primary_ips", self.create),
        ]

    def extra_filters(self) -> Mapping[str, Callable[[PrimaryIp], str]]:
        return {"ip": lambda item: item.ip}

    def view(self, item: PrimaryIp) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "type": item.type,
            "ip": item.ip,
            "assignee_id": item.server_id,
            "assignee_type": "server",
            "auto_delete": item.auto_delete,
            "blocked": False,
            "dns_ptr": [{"ip": item.ip, "dns_ptr": dns_ptr(item.ip)}] if item.type == "ipv4" else [],
            "location": view_location(item.location),
            "datacenter": view_datacenter(self.project, self.project.datacenter_of(item.location)),
            "protection": {"delete": item.protected},
            "labels": item.labels,
            "created": timestamp(item.created),
        }

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, CreatePrimaryIp)
        self.collection.refuse_taken(body.name)
        if body.assignee_id is not None:
            raise ApiError("unsupported_error", "the lab assigns a primary IP only when a server is created")
        location = location_asked_for(self.project, body.location, body.datacenter)
        if location is None:
            raise invalid_input("location", "must be given when there is no assignee")
        item = new_primary_ip(
            self.project,
            body.type,
            location,
            name=body.name,
            auto_delete=body.auto_delete,
            labels=body.labels,
        )
        return web.json_response({"primary_ip": self.view(item), "action": None}, status=201)

    def apply_update(self, item: PrimaryIp, body: Update) -> None:
        super().apply_update(item, body)
        if isinstance(body, UpdatePrimaryIp) and body.auto_delete is not None:
            item.auto_delete = body.auto_delete

    async def remove(self, item: PrimaryIp) -> web.Response:
        if item.server_id is not None:
            raise ApiError("resource_in_use", "primary IP is assigned to a server")
        self.project.free_ip(item.type, item.ip)
        return await super().remove(item)
