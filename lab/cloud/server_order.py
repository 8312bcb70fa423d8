"""Ordering a server: what may be asked for, and what is checked before anything is taken."""

from typing import Annotated

from pydantic import AfterValidator, Field

from lab.cloud.bodies import Body, HostName, IdOrName, Labels
from lab.cloud.catalog import Image, Location, ServerType
from lab.cloud.clock import now
from lab.cloud.entities import IpType, PlacementGroup, PrimaryIp, Server
from lab.cloud.errors import ApiError, invalid_input, unavailable
from lab.cloud.networks import choose_address
from lab.cloud.placement_groups import refuse_full
from lab.cloud.primary_ips import location_asked_for, new_primary_ip
from lab.cloud.project import Project

MAX_USER_DATA = 32 * 1024


def _check_user_data(text: str) -> str:
    if len(text.encode()) > MAX_USER_DATA:
        raise ValueError("must be at most 32 KiB")
    return text


class FirewallChoice(Body):
    firewall: int


class PublicNet(Body):
    enable_ipv4: bool = True
    enable_ipv6: bool = True
    ipv4: int | None = None
    ipv6: int | None = None


class ServerOrder(Body):
    name: HostName
    server_type: IdOrName
    image: IdOrName
    location: IdOrName | None = None
    datacenter: IdOrName | None = None
    ssh_keys: list[IdOrName] = Field(default_factory=list)
    networks: list[int] = Field(default_factory=list)
    firewalls: list[FirewallChoice] = Field(default_factory=list)
    volumes: list[int] = Field(default_factory=list)
    user_data: Annotated[str, AfterValidator(_check_user_data)] = ""
    labels: Labels = Field(default_factory=dict)
    start_after_create: bool = True
    placement_group: int | None = None
    public_net: PublicNet = PublicNet()


def place_order(project: Project, order: ServerOrder) -> Server:
    """Add the ordered server to the project, or raise and leave everything as it was."""
    _refuse_what_the_lab_lacks(order)
    project.servers.refuse_taken(order.name)
    server_type = project.server_types.find(order.server_type)
    location = location_asked_for(project, order.location, order.datacenter) or project.locations.get(1)
    networks = [project.networks.get(network) for network in order.networks]
    firewalls = [project.firewalls.get(choice.firewall) for choice in order.firewalls]
    group = None if order.placement_group is None else project.placement_groups.get(order.placement_group)
    ipv4 = _existing_ip(project, "ipv4", order.public_net.ipv4, location)
    ipv6 = _existing_ip(project, "ipv6", order.public_net.ipv6, location)
    image = find_image(project, order.image, server_type.architecture)
    keys = tuple(project.ssh_keys.find(key).public_key for key in order.ssh_keys)
    private_addresses = {network.id: choose_address(project, network, location.network_zone) for network in networks}
    _refuse_without_room(project, server_type, location, group)
    server_id = project.next_id()
    server = Server(
        id=server_id,
        name=order.name,
        machine=_machine_name(project, order.name, server_id),
        created=now(),
        labels=order.labels,
        server_type=server_type,
        image=image,
        location=location,
        user_data=order.user_data,
        ssh_keys=keys,
        ipv4=ipv4 or new_primary_ip(project, "ipv4", location),
        ipv6=(ipv6 or new_primary_ip(project, "ipv6", location)) if order.public_net.enable_ipv6 else None,
        placement_group=group,
        private_addresses=private_addresses,
    )
    for primary_ip in filter(None, (server.ipv4, server.ipv6)):
        primary_ip.server_id = server.id
    for firewall in firewalls:
        firewall.server_ids.add(server.id)
    project.servers.add(server)
    return server


def find_image(project: Project, wanted: IdOrName, architecture: str) -> Image:
    """A name stands for one image an architecture."""
    image = project.images.find(wanted)
    if image.architecture == architecture:
        return image
    for other in project.images:
        if other.name == str(wanted) and other.architecture == architecture:
            return other
    raise invalid_input("image", f"image '{wanted}' is not built for {architecture}")


def _machine_name(project: Project, name: str, server_id: int) -> str:
    return f"{name}-{server_id}" if any(server.machine == name for server in project.servers) else name


def _refuse_what_the_lab_lacks(order: ServerOrder) -> None:
    if order.volumes:
        raise ApiError("unsupported_error", "the lab has no volumes")
    if not order.public_net.enable_ipv4:
        raise ApiError("unsupported_error", "the lab's servers need a public IPv4 address")


def _refuse_without_room(
    project: Project, server_type: ServerType, location: Location, group: PlacementGroup | None
) -> None:
    if len(project.servers) >= project.settings.server_limit:
        raise ApiError("resource_limit_exceeded", "server limit exceeded")
    if (server_type.name, location.name) in project.sold_out:
        raise unavailable()
    if group is not None:
        refuse_full(project, group)


def _existing_ip(project: Project, kind: IpType, ip_id: int | None, location: Location) -> PrimaryIp | None:
    if ip_id is None:
        return None
    primary_ip = project.primary_ips.get(ip_id)
    if primary_ip.type != kind or primary_ip.location != location:
        raise invalid_input("public_net", f"primary IP {ip_id} is no {kind} in {location.name}")
    if primary_ip.server_id is not None:
        raise ApiError("resource_in_use", f"primary IP {ip_id} is assigned to another server")
    return primary_ip
