"""Private networks, as the API sees them: addresses are handed out, the lab's hosts do not get the interface."""

from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from aiohttp import web
from pydantic import Field

from lab.cloud.actions import Action
from lab.cloud.bodies import Body, Labels, Name, Update, read_body
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import Network, Route, Server, Subnet
from lab.cloud.errors import ApiError, invalid_input
from lab.cloud.listing import Json
from lab.cloud.project import Project, ref
from lab.cloud.resource import ProtectableResource, action_response


class SubnetBody(Body):
    type: Literal["cloud", "server"] = "cloud"
    network_zone: str
    ip_range: IPv4Network | None = None


class RouteBody(Body):
    destination: IPv4Network
    gateway: IPv4Address


class CreateNetwork(Body):
    name: Name
    ip_range: IPv4Network
    subnets: list[SubnetBody] = Field(default_factory=list)
    routes: list[RouteBody] = Field(default_factory=list)
    expose_routes_to_vswitch: bool = False
    labels: Labels = Field(default_factory=dict)


class UpdateNetwork(Update):
    expose_routes_to_vswitch: bool | None = None


class SubnetRange(Body):
    ip_range: IPv4Network


def gateway(network: Network) -> IPv4Address:
    """The first address of the whole range, in every subnet."""
    return network.ip_range[1]


def members(project: Project, network: Network) -> list[Server]:
    return [server for server in project.servers if network.id in server.private_addresses]


def choose_address(project: Project, network: Network, zone: str, wanted: str | None = None) -> IPv4Address:
    """The address a server of the network zone would get. Raise the API's errors for one that cannot be had."""
    subnets = [subnet.ip_range for subnet in network.subnets if subnet.network_zone == zone]
    if not subnets:
        raise ApiError("no_subnet_available", "no subnet available in the server's network zone")
    taken = {member.private_addresses[network.id] for member in members(project, network)} | {gateway(network)}
    if wanted is not None:
        return _wanted_address(wanted, subnets, taken)
    for subnet in subnets:
        for address in subnet.hosts():
            if address not in taken:
                return address
    raise ApiError("ip_not_available", "no IP address is left in the network's subnets")


def _wanted_address(text: str, subnets: list[IPv4Network], taken: set[IPv4Address]) -> IPv4Address:
    try:
        address = IPv4Address(text)
    except ValueError:
        raise invalid_input("ip", "must be an IPv4 address") from None
    if address in taken or not any(address in subnet for subnet in subnets):
        raise ApiError("ip_not_available", f"IP {address} is not available in the network")
    return address


def new_subnet(network: Network, body: SubnetBody) -> Subnet:
    taken = [subnet.ip_range for subnet in network.subnets]
    if body.ip_range is None:
        prefix = max(24, network.ip_range.prefixlen)
        free = (r for r in network.ip_range.subnets(new_prefix=prefix) if not any(r.overlaps(t) for t in taken))
        ip_range = next(free, None)
        if ip_range is None:
            raise ApiError("no_subnet_available", "the network has no room for another subnet")
    else:
        ip_range = body.ip_range
    if not ip_range.subnet_of(network.ip_range):
        raise invalid_input("ip_range", f"must be inside of {network.ip_range}")
    if any(ip_range.overlaps(other) for other in taken):
        raise invalid_input("ip_range", "overlaps with another subnet")
    return Subnet(ip_range, "cloud", body.network_zone)


class Networks(ProtectableResource[Network]):
    plural = "networks"
    update_body = UpdateNetwork

    def routes(self) -> list[web.RouteDef]:
        actions = "/networks/{id}/actions"
        return [
            *super().routes(),
            web.post("/networks", self.create),
            web.post(f"{actions}/add_subnet", self.add_subnet),
            web.post(f"{actions}/delete_subnet", self.delete_subnet),
            web.post(f"{actions}/add_route", self.add_route),
            web.post(f"{actions}/delete_route", self.delete_route),
        ]

    def view(self, item: Network) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "ip_range": str(item.ip_range),
            "subnets": [
                {
                    "type": subnet.type,
                    "ip_range": str(subnet.ip_range),
                    "network_zone": subnet.network_zone,
                    "gateway": str(gateway(item)),
                    "vswitch_id": None,
                }
                for subnet in item.subnets
            ],
            "routes": [{"destination": str(route.destination), "gateway": str(route.gateway)} for route in item.routes],
            "servers": [server.id for server in members(self.project, item)],
            "load_balancers": [],
            "expose_routes_to_vswitch": item.expose_routes_to_vswitch,
            "protection": {"delete": item.protected},
            "labels": item.labels,
            "created": timestamp(item.created),
        }

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, CreateNetwork)
        self.collection.refuse_taken(body.name)
        network = Network(
            id=self.project.next_id(),
            name=body.name,
            created=now(),
            labels=body.labels,
            ip_range=body.ip_range,
            subnets=[],
            routes=[Route(route.destination, route.gateway) for route in body.routes],
            expose_routes_to_vswitch=body.expose_routes_to_vswitch,
        )
        for subnet in body.subnets:
            network.subnets.append(new_subnet(network, subnet))
        self.collection.add(network)
        return web.json_response({"network": self.view(network)}, status=201)

    def apply_update(self, item: Network, body: Update) -> None:
        super().apply_update(item, body)
        if isinstance(body, UpdateNetwork) and body.expose_routes_to_vswitch is not None:
            item.expose_routes_to_vswitch = body.expose_routes_to_vswitch

    async def remove(self, item: Network) -> web.Response:
        for server in members(self.project, item):
            del server.private_addresses[item.id]
        return await super().remove(item)

    async def add_subnet(self, request: web.Request) -> web.Response:
        network = self.unlocked(request)
        subnet = new_subnet(network, await read_body(request, SubnetBody))
        network.subnets.append(subnet)
        return action_response(self._start("add_subnet", network))

    async def delete_subnet(self, request: web.Request) -> web.Response:
        network = self.unlocked(request)
        ip_range = (await read_body(request, SubnetRange)).ip_range
        subnet = next((subnet for subnet in network.subnets if subnet.ip_range == ip_range), None)
        if subnet is None:
            raise invalid_input("ip_range", "is no subnet of the network")
        if any(s.private_addresses[network.id] in ip_range for s in members(self.project, network)):
            raise ApiError("resource_in_use", "servers are attached to the subnet")
        network.subnets.remove(subnet)
        return action_response(self._start("delete_subnet", network))

    async def add_route(self, request: web.Request) -> web.Response:
        network = self.unlocked(request)
        body = await read_body(request, RouteBody)
        network.routes.append(Route(body.destination, body.gateway))
        return action_response(self._start("add_route", network))

    async def delete_route(self, request: web.Request) -> web.Response:
        network = self.unlocked(request)
        body = await read_body(request, RouteBody)
        route = Route(body.destination, body.gateway)
        if route not in network.routes:
            raise invalid_input("destination", "is no route of the network")
        network.routes.remove(route)
        return action_response(self._start("delete_route", network))

    def _start(self, command: str, network: Network) -> Action:
        return self.project.actions.start(command, ref(network), seconds=self.project.settings.action_seconds)
