"""Servers: order, look, rename, delete."""

import secrets
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address

from aiohttp import web

from lab.cloud.actions import Action
from lab.cloud.bodies import HostName, Update, read_body
from lab.cloud.catalog_api import (
    INCLUDED_TRAFFIC,
    view_datacenter,
    view_image,
    view_location,
    view_server_type,
)
from lab.cloud.clock import timestamp
from lab.cloud.entities import PrimaryIp, Server
from lab.cloud.firewalls import servers_behind
from lab.cloud.listing import Json
from lab.cloud.machines import boot, scrap
from lab.cloud.placement_groups import PlacementGroups
from lab.cloud.primary_ips import dns_ptr
from lab.cloud.project import Project, ref
from lab.cloud.resource import ProtectableResource, action_response
from lab.cloud.server_actions import ServerActions
from lab.cloud.server_order import ServerOrder, place_order


class UpdateServer(Update):
    name: HostName | None = None


class Servers(ProtectableResource[Server]):
    plural = "servers"
    update_body = UpdateServer

    def __init__(self, project: Project, placement_groups: PlacementGroups) -> None:
        super().__init__(project, project.servers)
        self._placement_groups = placement_groups
        self._actions = ServerActions(project, self)

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.post("/servers", self.create), *self._actions.routes()]

    def extra_filters(self) -> Mapping[str, Callable[[Server], str]]:
        return {"status": lambda server: server.status}

    def view(self, item: Server) -> Json:
        group = item.placement_group
        return {
            "id": item.id,
            "name": item.name,
            "status": item.status,
            "created": timestamp(item.created),
            "public_net": self._view_public_net(item),
            "private_net": [
                _view_private_net(item, network, address) for network, address in item.private_addresses.items()
            ],
            "server_type": view_server_type(self.project, item.server_type),
            "datacenter": view_datacenter(self.project, self.project.datacenter_of(item.location)),
            "location": view_location(item.location),
            "image": view_image(item.image),
            "iso": None,
            "rescue_enabled": False,
            "locked": self.project.actions.is_locked(ref(item)),
            "backup_window": None,
            "outgoing_traffic": 0,
            "ingoing_traffic": 0,
            "included_traffic": INCLUDED_TRAFFIC,
            "protection": {"delete": item.protected, "rebuild": item.protected},
            "labels": item.labels,
            "volumes": [],
            "load_balancers": [],
            "primary_disk_size": item.server_type.disk,
            "placement_group": self._placement_groups.view(group) if group else None,
        }

    def _view_public_net(self, server: Server) -> Json:
        return {
            "ipv4": _view_public_ip(server.ipv4),
            "ipv6": None if server.ipv6 is None else _view_public_ip(server.ipv6),
            "floating_ips": [ip.id for ip in self.project.floating_ips if ip.server_id == server.id],
            "firewalls": [
                {"id": firewall.id, "status": "applied"}
                for firewall in self.project.firewalls
                if server in servers_behind(self.project, firewall)
            ],
        }

    async def create(self, request: web.Request) -> web.Response:
        order = await read_body(request, ServerOrder)
        server = place_order(self.project, order)
        creation, *rest = self._start_creation(server, start=order.start_after_create)
        return web.json_response(
            {
                "server": self.view(server),
                "action": creation.view(),
                "next_actions": [action.view() for action in rest],
                "root_password": None if server.ssh_keys else secrets.token_urlsafe(15),
            },
            status=201,
        )

    def _start_creation(self, server: Server, *, start: bool) -> list[Action]:
        """One after the other: create, attach to each network, start."""
        settings, actions = self.project.settings, self.project.actions

        async def created() -> None:
            server.status = "off"

        async def started() -> None:
            await boot(self.project, server)

        here = ref(server)
        chain = [actions.start("create_server", here, seconds=settings.create_seconds, work=created)]
        for network_id in server.private_addresses:
            network = ref(self.project.networks.get(network_id))
            chain.append(
                actions.start(
                    "attach_to_network",
                    here,
                    network,
                    seconds=settings.action_seconds,
                    after=chain[-1],
                    locks=(here,),
                )
            )
        if start:
            chain.append(
                actions.start("start_server", here, seconds=settings.start_seconds, work=started, after=chain[-1])
            )
        return chain

    async def remove(self, item: Server) -> web.Response:
        self.project.actions.refuse_locked(ref(item))
        before, item.status = item.status, "deleting"

        async def work() -> None:
            try:
                await scrap(self.project, item)
            except Exception:
                item.status = before
                raise

        seconds = self.project.settings.delete_seconds
        action = self.project.actions.start("delete_server", ref(item), seconds=seconds, work=work)
        return action_response(action, status=200)


def _view_public_ip(primary_ip: PrimaryIp) -> Json:
    return {
        "id": primary_ip.id,
        "ip": primary_ip.ip,
        "blocked": False,
        "dns_ptr": dns_ptr(primary_ip.ip) if primary_ip.type == "ipv4" else [],
    }


def _view_private_net(server: Server, network_id: int, address: IPv4Address) -> Json:
    # Locally administered, and the same for one server and network each time it is asked.
    mac = ":".join(
        f"{byte:02x}" for byte in (0x86, 0, *(server.id % 65536).to_bytes(2), *(network_id % 65536).to_bytes(2))
    )
    return {"network": network_id, "ip": str(address), "alias_ips": [], "mac_address": mac}
