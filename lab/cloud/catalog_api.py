"""The read-only lists: locations, data centres, server types, images, prices."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from aiohttp import web

from lab.cloud.catalog import VAT_RATE, Datacenter, Image, Location, ServerType
from lab.cloud.clock import timestamp
from lab.cloud.collection import Collection, Named
from lab.cloud.listing import Json, Listing
from lab.cloud.project import Project
from lab.cloud.resource import number

N = TypeVar("N", bound=Named)

INCLUDED_TRAFFIC = 20 * 1024**4
HOURS_PER_MONTH = 624
ADDRESS_MONTHLY = {"ipv4": 0.5, "ipv6": 0.0}
FLOATING_MONTHLY = {"ipv4": 3.0, "ipv6": 1.0}
VOLUME_GB_MONTHLY = 0.044


def price(net: float) -> Json:
    return {"net": f"{net:.10f}", "gross": f"{net * (1 + VAT_RATE):.10f}"}


def view_location(location: Location) -> Json:
    return {
        "id": location.id,
        "name": location.name,
        "description": location.description,
        "country": location.country,
        "city": location.city,
        "latitude": location.latitude,
        "longitude": location.longitude,
        "network_zone": location.network_zone,
    }


def view_image(image: Image) -> Json:
    return {
        "id": image.id,
        "type": "system",
        "status": "available",
        "name": image.name,
        "description": image.description,
        "image_size": None,
        "disk_size": 5,
        "created": timestamp(image.created),
        "created_from": None,
        "bound_to": None,
        "os_flavor": image.os_flavor,
        "os_version": image.os_version,
        "architecture": image.architecture,
        "rapid_deploy": True,
        "protection": {"delete": False},
        "deprecated": None,
        "deprecation": None,
        "deleted": None,
        "labels": {},
    }


def view_server_type(project: Project, server_type: ServerType) -> Json:
    return {
        "id": server_type.id,
        "name": server_type.name,
        "description": server_type.name.upper(),
        "category": server_type.category,
        "cores": server_type.cores,
        "memory": server_type.memory,
        "disk": server_type.disk,
        "storage_type": "local",
        "cpu_type": server_type.cpu_type,
        "architecture": server_type.architecture,
        "deprecated": False,
        "deprecation": None,
        "included_traffic": INCLUDED_TRAFFIC,
        "prices": server_type_prices(project, server_type),
        "locations": [
            {
                "id": location.id,
                "name": location.name,
                "deprecation": None,
                "available": (server_type.name, location.name) not in project.sold_out,
                "recommended": True,
            }
            for location in project.locations
        ],
    }


def server_type_prices(project: Project, server_type: ServerType) -> list[Json]:
    return [
        {
            "location": location.name,
            "price_hourly": price(server_type.price_monthly / HOURS_PER_MONTH),
            "price_monthly": price(server_type.price_monthly),
            "included_traffic": INCLUDED_TRAFFIC,
            "price_per_tb_traffic": price(1.0),
        }
        for location in project.locations
    ]


def view_datacenter(project: Project, datacenter: Datacenter) -> Json:
    every = [server_type.id for server_type in project.server_types]
    available = [
        server_type.id
        for server_type in project.server_types
        if (server_type.name, datacenter.location.name) not in project.sold_out
    ]
    return {
        "id": datacenter.id,
        "name": datacenter.name,
        "description": f"{datacenter.location.city} virtual DC",
        "location": view_location(datacenter.location),
        "server_types": {"supported": every, "available": available, "available_for_migration": available},
    }


def address_prices(project: Project, monthly: Mapping[str, float]) -> list[Json]:
    return [
        {
            "type": kind,
            "prices": [
                {
                    "location": location.name,
                    "price_hourly": price(net / HOURS_PER_MONTH),
                    "price_monthly": price(net),
                }
                for location in project.locations
            ],
        }
        for kind, net in monthly.items()
    ]


def view_pricing(project: Project) -> Json:
    return {
        "currency": "EUR",
        "vat_rate": f"{VAT_RATE * 100:.6f}",
        "primary_ips": address_prices(project, ADDRESS_MONTHLY),
        "floating_ips": address_prices(project, FLOATING_MONTHLY),
        "volume": {"price_per_gb_month": price(VOLUME_GB_MONTHLY)},
        "server_types": [
            {"id": server_type.id, "name": server_type.name, "prices": server_type_prices(project, server_type)}
            for server_type in project.server_types
        ],
    }


BY_ID_AND_NAME: Mapping[str, Callable[[Named], str | int]] = {
    "id": lambda item: item.id,
    "name": lambda item: item.name,
}
BY_NAME: Mapping[str, Callable[[Named], str]] = {"name": lambda item: item.name}


def catalog_routes(project: Project) -> list[web.RouteDef]:
    def datacenter(item: Datacenter) -> Json:
        return view_datacenter(project, item)

    def server_type(item: ServerType) -> Json:
        return view_server_type(project, item)

    async def pricing(_: web.Request) -> web.Response:
        return web.json_response({"pricing": view_pricing(project)})

    return [
        *_read_only(project.locations, Listing("locations", view_location, BY_NAME, BY_ID_AND_NAME)),
        *_read_only(project.datacenters, Listing("datacenters", datacenter, BY_NAME, BY_ID_AND_NAME)),
        *_read_only(
            project.server_types,
            Listing(
                "server_types",
                server_type,
                filters={**BY_NAME, "architecture": lambda item: item.architecture},
                sorts=BY_ID_AND_NAME,
            ),
        ),
        *_read_only(
            project.images,
            Listing(
                "images",
                view_image,
                filters={**BY_NAME, "architecture": lambda item: item.architecture, "type": lambda _: "system"},
                sorts={**BY_ID_AND_NAME, "created": lambda item: timestamp(item.created)},
                labels=lambda _: {},
            ),
        ),
        web.get("/pricing", pricing),
    ]


def _read_only(collection: Collection[N], listing: Listing[N]) -> list[web.RouteDef]:
    async def list_items(request: web.Request) -> web.Response:
        return listing.respond(request, collection)

    async def get_item(request: web.Request) -> web.Response:
        item = collection.get(number(request, "id", collection.kind))
        return web.json_response({collection.kind: listing.view(item)})

    return [web.get(f"/{listing.plural}", list_items), web.get(f"/{listing.plural}/{{id}}", get_item)]
