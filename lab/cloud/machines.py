"""A server's machine, through the backend: boot it, scrap it."""

from lab.cloud.backend import Machine
from lab.cloud.entities import FloatingIp, Server
from lab.cloud.primary_ips import release_primary_ip
from lab.cloud.project import Project


async def boot(project: Project, server: Server) -> None:
    """Start the machine, making it first if nobody has started it yet."""
    server.status = "starting"
    try:
        if server.booted:
            await project.backend.power_on(server.machine)
        else:
            server.booted = True
            await project.backend.create(Machine(server.machine, server.ipv4.ip, server.user_data, server.ssh_keys))
    except Exception:
        server.status = "off"
        raise
    server.status = "running"


async def point(project: Project, floating_ip: FloatingIp, server: Server | None) -> None:
    """Have a floating IP lead to a server, or to none. No machine of the lab has IPv6: those lead nowhere."""
    if floating_ip.type == "ipv4":
        await project.backend.route(floating_ip.ip, None if server is None else server.ipv4.ip)
    floating_ip.server_id = None if server is None else server.id


async def scrap(project: Project, server: Server) -> None:
    """Remove the machine, then everything that pointed at its server."""
    if server.booted:
        await project.backend.delete(server.machine)
    for firewall in project.firewalls:
        firewall.server_ids.discard(server.id)
    for floating_ip in project.floating_ips:
        if floating_ip.server_id == server.id:
            await point(project, floating_ip, None)
    for primary_ip in filter(None, (server.ipv4, server.ipv6)):
        release_primary_ip(project, primary_ip)
    project.servers.remove(server)
